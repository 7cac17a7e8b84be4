"""The dependency graph: which channels of a graph's values have to be kept or removed together."""

from edgecnn.quantize.dependency.cut import cut
from edgecnn.quantize.dependency.trace import Dependencies, trace

__all__ = ["Dependencies", "cut", "trace"]
