"""Add, Sub, Mul, Div with broadcasting; a constant scale then shift of the channels as one operator."""

import math

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
    held = graph.value(node, _like(node, graph))
    shapes = [_shape(value) for value in node.inputs if value is not None]
    graph.expect(node, np.broadcast_shapes(*shapes))
    if _as_depthwise(node, graph, held):
        return
    inputs = [operand(node, place, graph, held) for place in (0, 1)]
    value, fused = graph.target(node)
    graph.produce(_CODES[node.op_type], inputs, value, axes=held.axes, blocks=held.blocks, **fused)


def _shape(value: ir.Value) -> tuple[int, ...]:
    array = constant(value)
    return static_shape(value) if array is None else array.shape


def _like(node: ir.Node, graph: Lowering) -> int:
    """Return the computed input with the most axes (the larger of two), whose layout the result has."""
    computed = {
        place: graph.held[str(value.name)].shape
        for place, value in enumerate(node.inputs)
        if value is not None and value.name in graph.held
    }
    if not computed:
        raise refuse(node, "both inputs are constants", "fold constants first")
    return max(computed, key=lambda place: (len(computed[place]), math.prod(computed[place])))


def _as_depthwise(node: ir.Node, graph: Lowering, held: Held) -> bool:
    """Write a per-channel Mul and the Add behind it, or in int8 each of them, as a depthwise convolution."""
    add = shift_behind(node, graph)
    if add is not None:
        scale, shift = per_channel(node, graph), per_channel(add, graph)
        assert scale is not None
        assert shift is not None
        graph.absorbed.add(add)
        scale_and_shift(add, graph, held, scale, shift)
        return True
    numbers = per_channel(node, graph) if graph.result is not None else None
    if numbers is None or held.shape != static_shape(output(node)):
        return False
    first = constant(node.inputs[0]) is not None
    scale, shift = _affine(node.op_type, numbers, constant_first=first)
    scale_and_shift(node, graph, held, scale, shift)
    return True


def _affine(operator: str, numbers: np.ndarray, *, constant_first: bool) -> tuple[np.ndarray, np.ndarray]:
    """Return scale and shift of x with a constant."""
    one, zero = np.ones(1, np.float32), np.zeros(1, np.float32)
    if operator == "Mul":
        return numbers, zero
    if operator == "Add":
        return one, numbers
    return (-one, numbers) if constant_first else (one, -numbers)


def shift_behind(node: ir.Node, graph: Lowering) -> ir.Node | None:
    """Return the per-channel Add that alone reads a per-channel Mul of an image, or None."""
    add = only_consumer(output(node))
    if node.op_type != "Mul" or add is None or add.op_type != "Add":
        return None
    if per_channel(node, graph) is None or per_channel(add, graph) is None:
        return None
    return add if static_shape(output(node)) == static_shape(output(add)) else None


def per_channel(node: ir.Node, graph: Lowering) -> np.ndarray | None:
    """Return the constant operand of an NHWC image where it has one number, or one for each channel."""
    shape = static_shape(output(node))
    array = next((found for value in node.inputs if (found := constant(value)) is not None), None)
    if len(shape) != 4 or array is None or array.dtype != np.float32 or array.ndim > 4:
        return None
    computed = [graph.held[str(value.name)] for value in node.inputs if value and value.name in graph.held]
    if any(held.axes != NHWC or held.shape != shape for held in computed):
        return None
    aligned = (1,) * (4 - array.ndim) + array.shape
    return array if aligned in ((1, 1, 1, 1), (1, shape[1], 1, 1)) else None
