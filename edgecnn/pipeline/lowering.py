"""A float32 network as a runtime would get it, for what does not depend on its values: its latency."""

from typing import Any

import numpy as np

from edgecnn.calls import parse_recipe
from edgecnn.graph.nodes import static_shape
from edgecnn.quantize import compress
from edgecnn.quantize.context import Context

_RECIPES = {"fp32": "fold", "int8": "fold | int8(allow_float=LRN)"}


def lowered(graph: Any, precision: str) -> Any:
    """Return the graph in a precision, `fp32` or `int8`; int8 is calibrated on two random pictures."""
    shape = static_shape(graph.graph.inputs[0])
    numbers = np.random.default_rng(0).standard_normal((2, *shape[1:]), dtype=np.float32)
    steps = compress(graph, parse_recipe(_RECIPES[precision]), context=Context(images=lambda: [numbers]))
    return steps[-1].after
