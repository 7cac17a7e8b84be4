"""The version of edgecnn."""

__version__ = "0.1.0"
