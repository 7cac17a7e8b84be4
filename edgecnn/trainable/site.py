"""`Site`: a node as its handler sees it while the module is built."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx_ir as ir

from edgecnn.errors import EdgeCnnError
from edgecnn.graph.nodes import attribute, describe, static_shape

# Their results are new, and their gradients need the inputs alone.
_FRESH = frozenset({"Add", "BatchNormalization", "Conv", "Gemm"})


@dataclass(kw_only=True)
class Facts:
    """What is known of the graph's values, by id, before the next node is built.

    Attributes:
        batch: how many images the graph itself takes.
        axes: where a value has its batch axis; values that no image decides are not here.
        known: content that training does not change: settings, shapes, and what is computed from them.
        shapely: those of the known that are computed from a shape, which may count the images.
    """

    batch: int
    axes: dict[int, int] = field(default_factory=dict)
    known: dict[int, np.ndarray] = field(default_factory=dict)
    shapely: set[int] = field(default_factory=set)


class Site:
    """One node, and what its handler asks for.

    Attributes:
        tables: arrays that the function takes as further arguments, behind the node's inputs.
        by_mode: whether the function's first argument is to be the module's `training`.
    """

    def __init__(self, node: ir.Node, facts: Facts, roles: Mapping[int, str]) -> None:
        self.node, self.tables, self.by_mode = node, list[np.ndarray](), False
        self._facts, self._roles = facts, roles
        self._settings: set[int] = set()

    @property
    def graph_batch(self) -> int:
        """How many images the graph itself takes."""
        return self._facts.batch

    @property
    def arguments(self) -> list[int]:
        """The positions of the inputs that the function takes."""
        return [
            index for index in range(len(self.node.inputs)) if self.has(index) and index not in self._settings
        ]

    def attribute(self, name: str, default: Any = None) -> Any:
        """Return an attribute, or the default."""
        return attribute(self.node, name, default)

    def real(self, name: str, default: float) -> float:
        """Return a float attribute as the decimal number that was meant: 1e-05, not 9.99999974e-06.

        To float32 both are the same; in double precision only the decimal is what the network's author wrote.
        """
        return _decimal(np.float32(self.attribute(name, default)))

    def choice(self, name: str, default: str, allowed: str) -> str:
        """Return a word that the operator takes, or raise."""
        word = self.attribute(name, default)
        if word not in allowed.split():
            raise self.refuse(f"has {name}={word}; allowed: {', '.join(allowed.split())}")
        return str(word)

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
        """Return an input's shape, with the graph's own batch."""
        return static_shape(self.value(index))

    def rank(self, index: int) -> int:
        """Return how many axes an input has."""
        return len(self.shape(index))

    def axis(self, axis: int, rank: int | None = None) -> int:
        """Return an axis counted from the first; of the first input unless a rank is given."""
        rank = self.rank(0) if rank is None else rank
        if not -rank <= axis < rank:
            raise self.refuse(f"has axis {axis}, and {rank} axes to choose from")
        return axis % rank

    def batch(self, index: int) -> int | None:
        """Return an input's batch axis, or None where no image decides it."""
        return self._facts.axes.get(id(self.node.inputs[index])) if self.has(index) else None

    def batched(self) -> list[int]:
        """Return the positions of the inputs that have a batch axis."""
        return [index for index in range(len(self.node.inputs)) if self.batch(index) is not None]

    def role(self, index: int) -> str | None:
        """Return the role in which an input is trained or updated, or None where it is neither."""
        return self._roles.get(index)

    def known(self, index: int) -> np.ndarray | None:
        """Return an input's content where training does not change it."""
        return None if index in self._roles else self._facts.known.get(id(self.value(index)))

    def setting(self, index: int) -> np.ndarray | None:
        """Read an input when the module is built; None where it is absent, an error where it is computed."""
        if not self.has(index):
            return None
        content = self.known(index)
        if content is None:
            name = self.value(index).name
            raise self.refuse(f"computes its setting {name!r}, which must be constant")
        self._settings.add(index)
        return content

    def integers(self, index: int) -> list[int] | None:
        """Read an input of integers."""
        content = self.setting(index)
        return None if content is None else [int(item) for item in np.ravel(content)]

    def number(self, index: int) -> float | None:
        """Read an input that is one constant number; None where it is anything else, and an argument."""
        content = self.known(index)
        if content is None or content.size != 1 or id(self.value(index)) in self._facts.shapely:
            return None
        self._settings.add(index)
        (item,) = content.ravel()
        return _decimal(item) if isinstance(item, np.floating) else int(item)

    def may_overwrite(self) -> bool:
        """Tell whether the first input is fresh: neither another node nor its own gradient reads it."""
        value = self.value(0)
        producer = value.producer()
        if producer is None or producer.op_type not in _FRESH:
            return False
        return len(value.uses()) == 1 and not value.is_graph_output()

    def refuse(self, reason: str) -> EdgeCnnError:
        """Return the error to raise: the node and why it cannot be trained."""
        return EdgeCnnError(f"{describe(self.node)} {reason}")


def _decimal(number: np.floating[Any]) -> float:
    return float(str(number)) if isinstance(number, np.float32) else float(number)
