"""Which activation an operator's only consumer lets it take over."""

import math

import onnx_ir as ir

from edgecnn.export.tflite.quantization import MOST, Quantization
from edgecnn.export.tflite.refusal import refuse
from edgecnn.graph.nodes import constant, output

_BY_BOUNDS = {(0.0, 6.0): "RELU6", (-1.0, 1.0): "RELU_N1_TO_1", (0.0, math.inf): "RELU"}


def only_consumer(value: ir.Value) -> ir.Node | None:
    """Return the one node that reads `value`, or None where several do or the graph returns it."""
    uses = tuple(value.uses())
    return None if value.is_graph_output() or len(uses) != 1 else uses[0].node


def clip_bounds(node: ir.Node) -> tuple[float, float]:
    """Return the constant bounds of a Clip, infinite where there is none."""
    bounds = []
    for place, default in ((1, -math.inf), (2, math.inf)):
        given = node.inputs[place] if len(node.inputs) > place else None
        array = constant(given)
        if given is not None and (array is None or array.size != 1):
            raise refuse(node, f"its bound {given.name!r} is not a constant", "make it an initializer")
        bounds.append(default if array is None else float(array.item()))
    return bounds[0], bounds[1]


def activation(node: ir.Node) -> str | None:
    """Return TFLite's name for an activation that an operator can apply itself, or None."""
    if node.op_type == "Relu":
        return "RELU"
    return _BY_BOUNDS.get(clip_bounds(node)) if node.op_type == "Clip" else None


def follower(node: ir.Node, result: Quantization | None = None) -> tuple[ir.Node, str] | None:
    """Return the activation node that `node`'s operator can apply itself and its name, or None.

    Where the result is int8, a bound that its range ends at or before takes no operator.
    """
    consumer = only_consumer(output(node))
    if consumer is None or consumer.inputs[0] is not output(node):
        return None
    name = activation(consumer)
    if name is None and consumer.op_type == "Clip" and result is not None:
        low, high = clip_bounds(consumer)
        name = "RELU" if low == 0 and result.represents(high) == MOST else None
    return None if name is None else (consumer, name)
