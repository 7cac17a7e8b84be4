"""What a graph that learns answers: the scores before its softmax, and maps inside it."""

from collections.abc import Sequence

import onnx_ir as ir

from edgecnn.errors import EdgeCnnError
from edgecnn.graph import shapes
from edgecnn.graph.nodes import output, static_shape

# Nothing of these changes which score is which class.
_BEHIND = frozenset({"DequantizeLinear", "QuantizeLinear", "Flatten", "Identity", "Reshape", "Squeeze"})
_MAPS = frozenset({"Relu", "Clip", "Add", "HardSwish", "LeakyRelu", "PRelu", "Concat"})


def scores(model: ir.Model) -> ir.Value:
    """Return the value that a loss compares: what the graph returns, or what its last softmax reads."""
    (value,) = model.graph.outputs
    behind = value
    while (node := behind.producer()) is not None and node.op_type in _BEHIND and node.inputs[0] is not None:
        behind = node.inputs[0]
    if node is None or node.op_type != "Softmax" or node.inputs[0] is None:
        return value
    return node.inputs[0]


def common_maps(student: ir.Model, teacher: ir.Model) -> list[str]:
    """Return the last map of each size that both graphs have, by name.

    Raises `EdgeCnnError` where there is none.
    """
    others = {str(value.name): static_shape(value) for value in _maps(teacher)}
    found: dict[tuple[int, ...], str] = {}
    for value in _maps(student):
        size, name = static_shape(value)[2:], str(value.name)
        if name in others and others[name][2:] == size:
            found[size] = name
    if not found:
        raise EdgeCnnError(
            "features compares maps of one name and size in both graphs, and there is none; leave it out"
        )
    return list(found.values())


def _maps(model: ir.Model) -> list[ir.Value]:
    made = [output(node) for node in model.graph if node.op_type in _MAPS]
    return [value for value in made if value.shape is not None and len(value.shape) == 4]


def returning(model: ir.Model, maps: Sequence[str] = ()) -> ir.Model:
    """Return a copy whose outputs are the scores, then the maps."""
    clone = shapes.infer(model.clone())
    wanted = [scores(clone)]
    made = {value.name: value for node in clone.graph for value in node.outputs}
    wanted += [made[name] for name in maps if made[name] is not wanted[0]]
    clone.graph.outputs[:] = wanted
    return clone


def like(model: ir.Model, trained: ir.Model) -> ir.Model:
    """Return `model` with the initializers of `trained`, which differs from it in its outputs alone."""
    clone = trained.clone()
    made = {value.name: value for node in clone.graph for value in node.outputs}
    clone.graph.outputs[:] = [made[value.name] for value in model.graph.outputs]
    return clone
