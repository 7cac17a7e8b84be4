"""The compression passes: each a function from graph to graph, run by `compress`."""

from edgecnn.quantize.passes import PASSES, Pass, Result
from edgecnn.quantize.recipe import Step, compress

__all__ = ["PASSES", "Pass", "Result", "Step", "compress"]
