"""Removing units from a graph: every value that has their labels loses those places."""

import numpy as np
import onnx_ir as ir

from edgecnn.graph import shapes
from edgecnn.graph.nodes import static_shape
from edgecnn.quantize.dependency.kept import Kept
from edgecnn.quantize.dependency.rules import RULES
from edgecnn.quantize.dependency.trace import Dependencies


def cut(found: Dependencies, kept: np.ndarray) -> ir.Model:
    """Return a new graph with the units that are kept; what stays has its values bit for bit.

    Args:
        found: of the graph, which is not changed.
        kept: booleans (units + 1,), by label; the first, of what is never cut, is true.
    """
    clone = found.model.clone()
    for node in list(clone.graph):
        RULES[node.op_type].rewrite(
            Kept(node, clone.graph, lambda value, axis: mask(found, kept, value, axis))
        )
    for name, value in list(clone.graph.initializers.items()):
        _cut_initializer(value, [kept[labels] for labels in found.axes.get(name, ())])
    for node in clone.graph:
        for value in node.outputs:
            value.shape = None
    return shapes.infer(clone)


def mask(found: Dependencies, kept: np.ndarray, value: ir.Value, axis: int) -> np.ndarray:
    """Return what is kept of a value along an axis."""
    axes = found.axes.get(str(value.name))
    return np.ones(static_shape(value)[axis], bool) if axes is None else kept[axes[axis]]


def _cut_initializer(value: ir.Value, masks: list[np.ndarray]) -> None:
    if all(each.all() for each in masks) or value.const_value is None:
        return
    array = value.const_value.numpy()
    for axis, each in enumerate(masks):
        if not each.all():
            array = np.compress(each, array, axis)
    value.const_value = ir.Tensor(np.ascontiguousarray(array), name=value.name)
    value.shape = ir.Shape(array.shape)
