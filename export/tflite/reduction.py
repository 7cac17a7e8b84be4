"""ReduceMean, ReduceSum, ReduceMax over fixed axes."""

import onnx_ir as ir

from edgecnn.export.tflite.lowering import Lowering
from edgecnn.export.tflite.parameters import integers
from edgecnn.export.tflite.refusal import refuse
from edgecnn.export.tflite.rules import lowers
from edgecnn.graph.nodes import attribute, output

_CODES = {"ReduceMean": "MEAN", "ReduceSum": "SUM", "ReduceMax": "REDUCE_MAX"}


@lowers(" ".join(_CODES), attributes="axes keepdims noop_with_empty_axes")
def lower_reduction(node: ir.Node, graph: Lowering) -> None:
    """Write the reduction over the axes where they lie in the file."""
    held = graph.value(node)
    reduced = _axes(node, len(held.shape))
    if held.blocks and 1 not in reduced:
        raise refuse(node, "it keeps the elements of a flattened image", "reduce the image")
    keep = bool(attribute(node, "keepdims", 1))
    graph.expect(node, _shape(held.shape, reduced, keep=keep))
    places = sorted(held.axes.index(axis) for axis in reduced)
    left = sorted(set(range(len(held.shape))) - reduced)
    axes = held.axes if keep else tuple(left.index(axis) for axis in held.axes if axis not in reduced)
    code = _CODES[node.op_type]
    graph.produce(code, (held.index, graph.shape_constant(places)), output(node), axes=axes, keepDims=keep)


def _axes(node: ir.Node, rank: int) -> set[int]:
    """Return the reduced axes, from the attribute or (opset 13 and 18) the second input."""
    axes = integers(node, 1) or attribute(node, "axes", ())
    if not axes and attribute(node, "noop_with_empty_axes", 0):
        raise refuse(node, "it reduces nothing", "remove it")
    return {int(axis) % rank for axis in axes} or set(range(rank))


def _shape(shape: tuple[int, ...], reduced: set[int], *, keep: bool) -> tuple[int, ...]:
    if keep:
        return tuple(1 if axis in reduced else size for axis, size in enumerate(shape))
    return tuple(size for axis, size in enumerate(shape) if axis not in reduced)
