"""The zoo: one file per architecture, each a table in its paper's order."""

from edgecnn.models.architecture import ARCHITECTURES, Architecture, build, complete

__all__ = ["ARCHITECTURES", "Architecture", "build", "complete"]
