"""A quantized graph without some of its QuantizeLinear → DequantizeLinear pairs.

    v → QuantizeLinear → DequantizeLinear → readers   →   v → readers

Without any, it is the float graph that was quantized: the reference that each layer is compared with.
"""

import numpy as np
import onnx_ir as ir

from edgecnn.graph.nodes import attribute, constant, output


def pairs(graph: ir.Graph) -> list[tuple[ir.Node, ir.Node]]:
    """Return the pairs (QuantizeLinear, DequantizeLinear) of a graph, in execution order."""
    found = []
    for node in graph:
        before = node.inputs[0].producer() if node.op_type == "DequantizeLinear" and node.inputs[0] else None
        if before is not None and before.op_type == "QuantizeLinear":
            found.append((before, node))
    return found


def without_pairs(model: ir.Model) -> ir.Model:
    """Return a copy without any pair: the float graph."""
    clone = model.clone()
    for quantize, dequantize in pairs(clone.graph):
        drop(clone.graph, quantize, dequantize)
    return clone


def drop(graph: ir.Graph, quantize: ir.Node, dequantize: ir.Node) -> None:
    """Take a pair out, in place; where the graph returns its output, that keeps its name."""
    value, result = quantize.inputs[0], output(dequantize)
    assert value is not None
    if result.is_graph_output():
        name = result.name
        result.name = f"{name}.dropped"
        value.name = name
    ir.convenience.replace_all_uses_with(result, value, replace_graph_outputs=True)
    _remove(graph, quantize, dequantize)


def _remove(graph: ir.Graph, quantize: ir.Node, dequantize: ir.Node) -> None:
    """Remove a pair whose output nobody reads, with the initializers that it alone read."""
    read = [*quantize.inputs, *dequantize.inputs]
    graph.remove([dequantize, quantize], safe=True)
    for value in read:
        if value is not None and value.is_initializer() and not value.uses():
            graph.initializers.pop(value.name or "", None)


def round_weights(model: ir.Model) -> ir.Model:
    """Return a copy in which each weight with a pair is the rounded one; the pairs of activations stay."""
    clone = model.clone()
    for quantize, dequantize in pairs(clone.graph):
        weight = constant(quantize.inputs[0])
        if weight is None:
            continue
        tensor = ir.Tensor(_rounded(weight, quantize), name=output(dequantize).name)
        value = ir.Value(
            name=tensor.name, shape=tensor.shape, type=ir.TensorType(tensor.dtype), const_value=tensor
        )
        ir.convenience.replace_all_uses_with(output(dequantize), value)
        _remove(clone.graph, quantize, dequantize)
        clone.graph.register_initializer(value)
    return clone


def _rounded(weight: np.ndarray, quantize: ir.Node) -> np.ndarray:
    """Return what QuantizeLinear and DequantizeLinear make of a constant."""
    scale, zero_point = constant(quantize.inputs[1]), constant(quantize.inputs[2])
    assert scale is not None
    assert zero_point is not None
    limits = np.iinfo(zero_point.dtype)
    if scale.ndim == 1:
        axis = attribute(quantize, "axis", 1)
        along = [-1 if index == axis % weight.ndim else 1 for index in range(weight.ndim)]
        scale, zero_point = scale.reshape(along), zero_point.reshape(along)
    shift = zero_point.astype(np.float32)
    numbers = np.clip(np.rint(weight / scale) + shift, limits.min, limits.max)
    return np.asarray((numbers - shift) * scale, np.float32)
