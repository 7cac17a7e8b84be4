"""Add, Sub, Mul, Div with broadcasting; a constant scale then shift of the channels as one operator."""

import numpy as np
import onnx_ir as ir

from edgecnn.export.tflite.convolution import scale_and_shift
from edgecnn.export.tflite.fusion import only_consumer
from edgecnn.export.tflite.layout import NHWC, Held
from edgecnn.export.tflite.lowering import Lowering
from edgecnn.export.tflite.parameters import operand
from edgecnn.export.tflite.refusal import refuse
from edgecnn.export.tflite.rules import lowers
from edgecnn.graph.nodes import constant, output, static_shape

_CODES = {"Add": "ADD", "Sub": "SUB", "Mul": "MUL", "Div": "DIV"}


@lowers(" ".join(_CODES))
def lower_arithmetic(node: ir.Node, graph: Lowering) -> None:
    """Write the operator with its constants laid out for NHWC."""
    held = _like(node, graph)
    shapes = [_shape(value) for value in node.inputs if value is not None]
    graph.expect(node, np.broadcast_shapes(*shapes))
    if node.op_type == "Mul" and _with_shift(node, graph, held):
        return
    inputs = [operand(node, place, graph, held) for place in (0, 1)]
    value, fused = graph.target(node)
    graph.produce(_CODES[node.op_type], inputs, value, axes=held.axes, blocks=held.blocks, **fused)


def _shape(value: ir.Value) -> tuple[int, ...]:
    array = constant(value)
    return static_shape(value) if array is None else array.shape


def _like(node: ir.Node, graph: Lowering) -> Held:
    """Return the computed input with the most axes (the larger of two), whose layout the result has."""
    names = [str(value.name) for value in node.inputs if value is not None]
    computed = [graph.held[name] for name in names if name in graph.held]
    if not computed:
        raise refuse(node, "both inputs are constants", "fold constants first")
    return max(computed, key=lambda held: (len(held.shape), np.prod(held.shape)))


def _with_shift(node: ir.Node, graph: Lowering, held: Held) -> bool:
    """Write a per-channel Mul and the per-channel Add behind it as one depthwise convolution."""
    add = only_consumer(output(node))
    if held.axes != NHWC or add is None or add.op_type != "Add":
        return False
    scale = _per_channel(node, held.shape[1])
    shift = _per_channel(add, held.shape[1])
    if scale is None or shift is None or held.shape != static_shape(output(add)):
        return False
    graph.absorbed.add(add)
    scale_and_shift(add, graph, held, scale, shift)
    return True


def _per_channel(node: ir.Node, channels: int) -> np.ndarray | None:
    """Return the constant input where it has one number, or one for each channel."""
    array = next((found for value in node.inputs if (found := constant(value)) is not None), None)
    if array is None or array.dtype != np.float32 or array.ndim > 4:
        return None
    aligned = (1,) * (4 - array.ndim) + array.shape
    return array if aligned in ((1, 1, 1, 1), (1, channels, 1, 1)) else None
