"""Storing weights in int8; activations stay float.

    w_c → s_c clip(round(w_c / s_c), -127, 127), s_c = max |w_c| / 127

before: Conv(x, w); after: Conv(x, w → QuantizeLinear → DequantizeLinear). No pictures are needed: a runtime
turns the weights back to float, or rounds the activations to a scale that it finds while it runs.
Source: Krishnamoorthi 2018, arXiv:1806.08342, §3.1.
"""

import onnx_ir as ir

from edgecnn import units
from edgecnn.graph.nodes import constant
from edgecnn.quantize.grid import weight_scales
from edgecnn.quantize.pairs import insert_weight_pair
from edgecnn.quantize.passes import Result, compression_pass
from edgecnn.quantize.placement import CHANNEL_AXES, layer_weights, refuse_quantized


@compression_pass(lossless=False, after=("fold",), once=True)
def dynamic(model: ir.Model, *, per_channel: bool = True) -> Result:
    """Round weights to int8, each within half a step of its channel's scale; activations stay float."""
    refuse_quantized(model)
    clone = model.clone()
    layers = [node for node in clone.graph if node.op_type in CHANNEL_AXES]
    weights = layer_weights(node for node in layers if constant(node.inputs[1]) is not None)
    for weight in weights:
        axis, array = (weight.axis if per_channel else None), constant(weight.value)
        assert array is not None
        insert_weight_pair(clone.graph, weight.value, weight_scales(array, axis), axis)
    note = (
        f"{units.several(len(weights), 'weight')} in int8"
        if weights
        else "no convolution or fully connected layer"
    )
    return Result(model=clone, matched=len(weights), note=note)
