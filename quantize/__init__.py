"""The compression passes: each a function from graph to graph, run by `compress`."""

from edgecnn.quantize.context import Context
from edgecnn.quantize.passes import PASSES, Pass, Result
from edgecnn.quantize.recipe import Step, compress, needs
from edgecnn.quantize.training import Checkpoints, Training

__all__ = ["PASSES", "Checkpoints", "Context", "Pass", "Result", "Step", "Training", "compress", "needs"]
