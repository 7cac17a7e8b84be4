"""Storing weights in float16; everything is computed in float32.

    w → float32(round_to_nearest_even(w, float16))

before: Conv(w); after: Conv(w'), whose w' float16 holds exactly, so that a .tflite file stores half the bytes
and turns them back to float32 when it is loaded. No pictures are needed, and no board has to compute in
float16. Source: IEEE 754-2008, binary16; TensorFlow Lite, post-training float16 quantization.
"""

import numpy as np
import onnx_ir as ir

from edgecnn import units
from edgecnn.errors import EdgeCnnError
from edgecnn.graph.nodes import constant
from edgecnn.graph.precision import HALF, STORED
from edgecnn.quantize.initializers import register
from edgecnn.quantize.passes import Result, compression_pass
from edgecnn.quantize.placement import CHANNEL_AXES, layer_weights, refuse_quantized

_LARGEST = float(np.finfo(np.float16).max)


@compression_pass(lossless=False, after=("fold",), once=True)
def half_weights(model: ir.Model) -> Result:
    """Store weights in float16 and compute in float32; each moves by up to 1/2048 of itself."""
    refuse_quantized(model)
    if STORED in model.metadata_props:
        raise EdgeCnnError("the weights are stored in float16 already; give the float32 graph")
    clone = model.clone()
    layers = [node for node in clone.graph if node.op_type in CHANNEL_AXES]
    weights = layer_weights(node for node in layers if constant(node.inputs[1]) is not None)
    for weight in weights:
        _round(clone.graph, weight.value)
    if weights:
        clone.metadata_props[STORED] = HALF
    note = (
        f"{units.several(len(weights), 'weight')} in float16"
        if weights
        else "no convolution or fully connected layer"
    )
    return Result(model=clone, matched=len(weights), note=note)


def _round(graph: ir.Graph, value: ir.Value) -> None:
    """Put the rounded weight in the place of a weight, under its name."""
    array = constant(value)
    assert array is not None
    if np.abs(array).max(initial=0.0) > _LARGEST:
        raise EdgeCnnError(f"{value.name!r} holds weights beyond {_LARGEST:g}, float16's largest number")
    uses = tuple(value.uses())
    graph.initializers.pop(str(value.name))
    rounded = register(graph, str(value.name), array.astype(np.float16).astype(np.float32), value)
    for use in uses:
        use.node.replace_input_with(use.idx, rounded)
