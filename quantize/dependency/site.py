"""`Site`: a node as its rule sees it, with a label for every index along every axis of its values.

Two indices of the same label are removed together; `FIXED` marks what is never removed, such as the rows of a
map. Labels are tied, never renamed: the ties are solved once, when every node has been seen.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx_ir as ir

from edgecnn.errors import EdgeCnnError
from edgecnn.graph.nodes import attribute, constant, describe, static_shape

FIXED = 0

Labels = np.ndarray  # (size of the axis,), int64


def fixed(size: int) -> Labels:
    """Return the labels of an axis that is never cut."""
    return np.full(size, FIXED, np.int64)


class Tracing:
    """The labels of every value so far, and the ties between them."""

    def __init__(self) -> None:
        self.axes: dict[int, list[Labels | None]] = {}
        self.ties: list[tuple[Labels, Labels]] = []
        self.blocks: list[Labels] = []
        self.count = 1

    def new(self, size: int) -> Labels:
        """Return labels that no value has yet."""
        self.count += size
        return np.arange(self.count - size, self.count, dtype=np.int64)

    def tie(self, one: Labels, other: Labels | int) -> None:
        """Demand that labels are kept or removed together, place by place."""
        one, other = np.broadcast_arrays(one, np.asarray(other, np.int64))
        apart = one != other
        if apart.any():
            self.ties.append((one[apart], other[apart]))


class Site:
    """One node, and what its rule asks for and says."""

    def __init__(self, node: ir.Node, tracing: Tracing) -> None:
        self.node, self._tracing = node, tracing

    def attribute(self, name: str, default: Any = None) -> Any:
        """Return an attribute, or the default."""
        return attribute(self.node, name, default)

    def has(self, index: int) -> bool:
        """Tell whether the input is there."""
        return index < len(self.node.inputs) and self.node.inputs[index] is not None

    def value(self, index: int) -> ir.Value:
        """Return an input that is there."""
        value = self.node.inputs[index] if index < len(self.node.inputs) else None
        if value is None:
            raise self.refuse(f"lacks its input number {index + 1}")
        return value

    def shape(self, index: int) -> tuple[int, ...]:
        """Return an input's shape."""
        return static_shape(self.value(index))

    def result(self, index: int = 0) -> tuple[int, ...]:
        """Return an output's shape."""
        return static_shape(self.node.outputs[index])

    def constant(self, index: int) -> np.ndarray:
        """Return a setting, which has to be constant."""
        array = constant(self.value(index))
        if array is None:
            raise self.refuse(f"computes its setting {self.value(index).name!r}; it must be constant")
        return array

    def axis(self, axis: int, index: int = 0) -> int:
        """Return an axis of an input counted from the first."""
        return int(axis) % len(self.shape(index))

    def labels(self, index: int) -> tuple[Labels, ...]:
        """Return an input's labels; a weight that no node has bound yet gets new ones."""
        rank = len(self.shape(index))
        return tuple(self.along(index, axis) for axis in range(rank))

    def along(self, index: int, axis: int) -> Labels:
        """Return an input's labels along one axis."""
        axes, size = self._axes(self.value(index)), self.shape(index)[axis]
        found = axes[axis]
        if found is None:
            found = axes[axis] = self._tracing.new(size) if size > 1 else fixed(size)
        return found

    def bind(self, index: int, axis: int, labels: Labels | int) -> None:
        """Give an input's axis labels; where it has some, the two are tied."""
        axes, size = self._axes(self.value(index)), self.shape(index)[axis]
        wanted = np.broadcast_to(np.asarray(labels, np.int64), (size,))
        found = axes[axis]
        if found is None:
            axes[axis] = wanted
        else:
            self._tracing.tie(found, wanted)

    def fix(self, index: int, axes: Sequence[int] | None = None) -> None:
        """Keep every index of an input along axes, by default all."""
        for axis in range(len(self.shape(index))) if axes is None else axes:
            self.bind(index, axis, FIXED)

    def new(self, size: int) -> Labels:
        """Return labels that no value has yet."""
        return self._tracing.new(size)

    def tie(self, one: Labels, other: Labels | int) -> None:
        """Demand that labels are kept or removed together, place by place."""
        self._tracing.tie(one, other)

    def block(self, labels: Labels) -> None:
        """Note labels that are counted apart, though no value has them as its own axis."""
        self._tracing.blocks.append(labels)

    def give(self, labels: Sequence[Labels], index: int = 0) -> None:
        """Give an output its labels, one array for each axis."""
        sizes = self.result(index)
        if tuple(map(len, labels)) != sizes:
            raise self.refuse(f"gives {sizes}, which does not follow from its inputs")
        self._tracing.axes[id(self.node.outputs[index])] = list(labels)

    def refuse(self, reason: str) -> EdgeCnnError:
        """Return the error to raise: the node and why its channels cannot be followed."""
        return EdgeCnnError(f"{describe(self.node)} {reason}")

    def _axes(self, value: ir.Value) -> list[Labels | None]:
        axes = self._tracing.axes.get(id(value))
        if axes is None:
            axes = self._tracing.axes[id(value)] = [None] * len(static_shape(value))
        return axes
