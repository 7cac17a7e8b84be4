"""Giving a layer a bias of its own, and shifting it."""

import numpy as np
import onnx_ir as ir

from edgecnn.graph.nodes import attribute, constant, output, static_shape
from edgecnn.quantize.initializers import register, replace

_BIAS = 2  # which input


def give_bias(graph: ir.Graph, layer: ir.Node) -> None:
    """Make the bias of a layer an initializer (c_out,) that it alone reads, zero where it had none."""
    channels = static_shape(output(layer))[1]
    old = layer.inputs[_BIAS] if len(layer.inputs) > _BIAS else None
    array = np.zeros(channels, np.float32) if old is None else constant(old)
    if array is None or (old is not None and len(old.uses()) == 1 and array.shape == (channels,)):
        return  # computed, or its own already
    layer.resize_inputs(_BIAS + 1)
    source = _weight(layer)
    name = f"{source.name}".removesuffix(".weight") + ".bias"
    while name in graph.initializers:
        name += "_own"
    layer.replace_input_with(_BIAS, register(graph, name, np.broadcast_to(array, (channels,)), source))
    if old is not None and not old.uses():
        graph.initializers.pop(old.name or "")


def shift_bias(graph: ir.Graph, layer: ir.Node, shift: np.ndarray) -> None:
    """Add (c_out,) to the output of a layer by its bias, in place, as a new tensor; see `give_bias`."""
    old = layer.inputs[_BIAS]
    array = constant(old)
    assert old is not None
    if array is None:
        return  # it is computed
    beta = float(attribute(layer, "beta", 1.0)) if layer.op_type == "Gemm" else 1.0
    replace(graph, layer, _BIAS, (array + shift / beta).astype(array.dtype))


def _weight(layer: ir.Node) -> ir.Value:
    """Return the float weight of a layer, before it is quantized."""
    value = layer.inputs[1]
    assert value is not None
    while (producer := value.producer()) is not None and producer.inputs[0] is not None:
        value = producer.inputs[0]
    return value
