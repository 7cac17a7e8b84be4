"""Which activations are alive at the same time."""

import math
from collections.abc import Sequence

import onnx_ir as ir

from edgecnn.graph.nodes import static_shape


def nbytes(value: ir.Value) -> int:
    """Return the bytes of an activation."""
    bits = (value.dtype or ir.DataType.FLOAT).bitwidth
    return math.ceil(math.prod(static_shape(value)) * bits / 8)


def peak_bytes(inputs: Sequence[ir.Value], nodes: Sequence[ir.Node]) -> int:
    """Return the most bytes of activations alive at once when the nodes run in this order.

    A value lives from its node to its last reader, graph outputs to the end; while a node runs, its
    inputs and outputs are both alive (nothing is computed in place).
    """
    last_use = {
        id(value): step for step, node in enumerate(nodes) for value in node.inputs if value is not None
    }
    alive = {id(value): nbytes(value) for value in inputs}
    peak = total = sum(alive.values())
    for step, node in enumerate(nodes):
        for value in node.outputs:
            alive[id(value)] = nbytes(value)
            total += alive[id(value)]
        peak = max(peak, total)
        for used in [*node.inputs, *node.outputs]:
            if used is None or used.is_graph_output() or last_use.get(id(used), step) > step:
                continue
            total -= alive.pop(id(used), 0)
    return peak
