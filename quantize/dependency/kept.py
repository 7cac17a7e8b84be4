"""`Kept`: a node whose channels are about to be cut, as the rewriting of its settings sees it."""

from collections.abc import Callable

import numpy as np
import onnx_ir as ir

from edgecnn.graph.nodes import attribute, constant, static_shape
from edgecnn.quantize.initializers import free_name, register

Masks = Callable[[ir.Value, int], np.ndarray]


class Kept:
    """One node, before its values are cut; shapes are those before."""

    def __init__(self, node: ir.Node, graph: ir.Graph, masks: Masks) -> None:
        self.node, self._graph, self._masks = node, graph, masks

    def mask(self, value: ir.Value | None, axis: int) -> np.ndarray:
        """Return what is kept of a value along an axis, as booleans."""
        assert value is not None
        return self._masks(value, axis)

    def size(self, value: ir.Value | None, axis: int) -> int:
        """Return how many indices are kept along an axis."""
        return int(self.mask(value, axis).sum())

    def shape(self, value: ir.Value) -> tuple[int, ...]:
        """Return a value's shape once it is cut."""
        return tuple(self.size(value, axis) for axis in range(len(static_shape(value))))

    def attribute(self, name: str, default: int) -> int:
        """Return an attribute of one integer, or the default."""
        return int(attribute(self.node, name, default))

    def set_attribute(self, name: str, number: int) -> None:
        """Change an attribute of one integer."""
        self.node.attributes.add(ir.AttrInt64(name, number))

    def setting(self, index: int) -> np.ndarray | None:
        """Return a constant input, or None where it is absent."""
        value = self.node.inputs[index] if index < len(self.node.inputs) else None
        return constant(value)

    def integers(self, index: int) -> np.ndarray:
        """Return a copy of a constant list of integers that is there."""
        array = self.setting(index)
        assert array is not None
        return np.array(array).ravel()

    def set(self, index: int, array: np.ndarray) -> None:
        """Give the node a constant of its own, where it differs from the one that it has."""
        old = self.node.inputs[index] if index < len(self.node.inputs) else None
        before = constant(old)
        if before is not None and np.array_equal(before, array):
            return
        self.node.resize_inputs(max(len(self.node.inputs), index + 1))
        name = free_name(self._graph, f"{self.node.outputs[0].name}.input{index}")
        self.node.replace_input_with(index, register(self._graph, name, array, old))
        if old is not None and not old.uses() and not old.is_graph_output():
            self._graph.initializers.pop(str(old.name), None)
