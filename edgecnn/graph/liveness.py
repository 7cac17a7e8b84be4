"""Which activations are alive at the same time."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate

import onnx_ir as ir

from edgecnn.graph.nodes import static_shape


@dataclass(frozen=True)
class Lifetime:
    """Bytes that are alive from one step to another, both included."""

    nbytes: int
    first: int
    last: int


def nbytes(value: ir.Value) -> int:
    """Return the bytes of an activation or a weight."""
    bits = (value.dtype or ir.DataType.FLOAT).bitwidth
    return math.ceil(math.prod(static_shape(value)) * bits / 8)


def weights(nodes: Iterable[ir.Node]) -> set[int]:
    """Return the ids of the values that initializers alone decide, such as a dequantized weight."""
    found: set[int] = set()
    for node in nodes:
        inputs = [value for value in node.inputs if value is not None]
        if inputs and all(value.is_initializer() or id(value) in found for value in inputs):
            found.update(id(value) for value in node.outputs)
    return found


def lifetimes(inputs: Sequence[ir.Value], nodes: Sequence[ir.Node]) -> list[Lifetime]:
    """Return when each activation is alive if the nodes run in this order.

    A value lives from its node to its last reader, graph outputs to the end; while a node runs, its
    inputs and outputs are both alive (nothing is computed in place).
    """
    last_use = {
        id(value): step for step, node in enumerate(nodes) for value in node.inputs if value is not None
    }
    constant = weights(nodes)
    made = [(value, 0) for value in inputs]
    made += [
        (value, step)
        for step, node in enumerate(nodes)
        for value in node.outputs
        if id(value) not in constant
    ]
    return [
        Lifetime(
            nbytes(value),
            first,
            len(nodes) - 1 if value.is_graph_output() else last_use.get(id(value), first),
        )
        for value, first in made
    ]


def alive_bytes(lives: Iterable[Lifetime], steps: int) -> list[int]:
    """Return the bytes alive at each step; the greatest is the peak."""
    change = [0] * (steps + 1)
    for life in lives:
        change[life.first] += life.nbytes
        change[life.last + 1] -= life.nbytes
    return list(accumulate(change[:steps]))
