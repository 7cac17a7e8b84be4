"""A float32 network as a runtime would get it, for what does not depend on its values: its latency."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from edgecnn.calls import parse_recipe
from edgecnn.devices.cost_models import LITERT, TENSORRT
from edgecnn.graph.nodes import static_shape
from edgecnn.pipeline.quantization import SCHEMES
from edgecnn.quantize import compress
from edgecnn.quantize.context import Context

# By runtime, the passes before compiling for a precision: all that can be fitted.
RECIPES: Mapping[str, Mapping[str, str]] = {
    LITERT: {"fp32": "fold", "int8": "fold | int8(allow_float=LRN)"},
    TENSORRT: {"fp32": "fold", "fp16": "fold | fp16", "int8": "fold | int8"},
}


def lowered(graph: Any, precision: str, runs: str = LITERT) -> Any:
    """Return the graph in a precision of `RECIPES`; int8 is calibrated on two random pictures."""
    shape = static_shape(graph.graph.inputs[0])
    numbers = np.random.default_rng(0).standard_normal((2, *shape[1:]), dtype=np.float32)
    context = Context(images=lambda: [numbers], scheme=SCHEMES[runs])
    return compress(graph, parse_recipe(RECIPES[runs][precision]), context=context)[-1].after
