"""Partial connections spelled out: a grouped convolution that reads a map in several of its groups.

    W'[o, i] = Σ W[o, j] over the places j at which the group of o reads map i, else 0

before: Slice → Concat, which lists maps several times → Conv of g groups; after: Conv of one group over the
maps themselves. Outputs are the same. The groups tie all maps to each other, so that none can go; spelled
out, each can, at the price of multiplying by zeros.
Source of such connections: LeCun et al. 1998, table I (C3 of LeNet-5).
"""

import numpy as np
import onnx_ir as ir
from onnx_ir.passes.common import RemoveUnusedNodesPass

from edgecnn.graph.nodes import attribute, constant, static_shape
from edgecnn.quantize.initializers import free_name, register

_Origin = tuple[ir.Value, np.ndarray]  # whose channels a value lists, and which


def spell_connections(model: ir.Model) -> ir.Model | None:
    """Return a graph without partial connections, of the same outputs; None where there are none."""
    clone = model.clone()
    found = [(node, origin) for node in clone.graph if (origin := _partial(node))]
    for node, origin in found:
        _spell(clone.graph, node, origin)
    for node, origin in [(node, origin) for node in clone.graph if (origin := _relisted(node))]:
        node.replace_input_with(0, origin[0])
    RemoveUnusedNodesPass()(clone)
    return clone if found else None


def _partial(node: ir.Node) -> _Origin | None:
    """Return what a grouped convolution reads, where it reads a channel twice."""
    if node.op_type != "Conv" or attribute(node, "group", 1) == 1 or constant(node.inputs[1]) is None:
        return None
    origin = _origin(node.inputs[0])
    return origin if len(np.unique(origin[1])) < len(origin[1]) else None


def _relisted(node: ir.Node) -> _Origin | None:
    """Return what a convolution reads, where that is another value cut up and put together again."""
    if node.op_type != "Conv":
        return None
    value, places = _origin(node.inputs[0])
    same = value is not node.inputs[0] and np.array_equal(places, np.arange(static_shape(value)[1]))
    return (value, places) if same else None


def _origin(value: ir.Value | None) -> _Origin:
    """Follow a value back through what cuts out, chooses and joins channels."""
    assert value is not None
    node = value.producer()
    step = _STEPS.get(node.op_type) if node is not None else None
    found = step(node) if step and node is not None else None
    return found or (value, np.arange(static_shape(value)[1]))


def _sliced(node: ir.Node) -> _Origin | None:
    given = [constant(node.inputs[index]) if index < len(node.inputs) else None for index in range(1, 5)]
    starts, ends, axes, steps = (None if each is None else np.ravel(each).tolist() for each in given)
    if starts is None or ends is None or axes != [1]:
        return None
    value, places = _origin(node.inputs[0])
    return value, places[slice(starts[0], ends[0], steps[0] if steps else 1)]


def _gathered(node: ir.Node) -> _Origin | None:
    chosen = constant(node.inputs[1])
    if attribute(node, "axis", 0) != 1 or chosen is None or chosen.ndim != 1:
        return None
    value, places = _origin(node.inputs[0])
    return value, places[chosen]


def _joined(node: ir.Node) -> _Origin | None:
    origins = [_origin(value) for value in node.inputs]
    if attribute(node, "axis", 0) != 1 or len({id(value) for value, _ in origins}) > 1:
        return None
    return origins[0][0], np.concatenate([places for _, places in origins])


_STEPS = {"Slice": _sliced, "Gather": _gathered, "Concat": _joined}


def _spell(graph: ir.Graph, node: ir.Node, origin: _Origin) -> None:
    """Make a grouped convolution one over all channels of the value that it lists, in place."""
    value, places = origin
    old = node.inputs[1]
    weight = constant(old)
    assert old is not None
    assert weight is not None
    rows, read = weight.shape[:2]
    groups = attribute(node, "group", 1)
    spelled = np.zeros((rows, static_shape(value)[1], *weight.shape[2:]), weight.dtype)
    for row in range(rows):
        first = row // (rows // groups) * read
        np.add.at(spelled[row], places[first : first + read], weight[row])
    node.replace_input_with(0, value)
    node.replace_input_with(1, register(graph, free_name(graph, f"{old.name}.spelled"), spelled, old))
    node.attributes.add(ir.AttrInt64("group", 1))
    if not old.uses():
        graph.initializers.pop(str(old.name), None)
