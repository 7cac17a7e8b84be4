"""Walking a graph once to profile it."""

import math

import onnx_ir as ir

from edgecnn.graph import liveness, roles
from edgecnn.graph.nodes import attribute, output, static_shape
from edgecnn.profile import extents, receptive_field
from edgecnn.profile.mult_adds import mult_adds, operator
from edgecnn.profile.records import LayerProfile, Profile


def profile(model: ir.Model) -> Profile:
    """Return what a graph costs; the graph needs shapes but no weights, and is not changed.

    Raises `EdgeCnnError` where a shape is not fixed.
    """
    graph, nodes = model.graph, list(model.graph)
    images = [value for value in graph.inputs if value.name not in graph.initializers]
    alive = liveness.alive_bytes(liveness.lifetimes(images, nodes), len(nodes))
    weights = liveness.weights(nodes)
    fields: receptive_field.Fields = {id(value): receptive_field.start(value) for value in images}
    seen: set[int] = set()
    layers, last_map = [], None
    for node, alive_bytes in zip(nodes, alive, strict=True):
        field = receptive_field.propagate(node, fields)
        if field is not None:
            fields.update((id(value), field) for value in node.outputs)
            last_map = field
        made = [value for value in node.outputs if id(value) not in weights]
        layers.append(_layer(node, made, alive_bytes, field, _first_read(node, seen)))
    unknown = {
        operator(node): None for node, layer in zip(nodes, layers, strict=True) if layer.mult_adds is None
    }
    return Profile(
        layers=tuple(layers),
        unknown_ops=tuple(unknown),
        receptive_field=extents.span(last_map),
        stride=extents.stride(last_map),
    )


def _layer(
    node: ir.Node,
    made: list[ir.Value],
    alive_bytes: int,
    field: extents.Field | None,
    weights: list[ir.Value],
) -> LayerProfile:
    touched = {id(value): value for value in [*node.inputs, *node.outputs] if value is not None}
    return LayerProfile(
        name=node.name or output(node).name or "",
        kind=kind(node),
        mult_adds=mult_adds(node),
        parameters=sum(_size(value) for value in weights if roles.role(value) == roles.PARAMETER),
        weight_bytes=sum(liveness.nbytes(value) for value in weights),
        activation_bytes=sum(liveness.nbytes(value) for value in made),
        moved_bytes=sum(liveness.nbytes(value) for value in touched.values()),
        alive_bytes=alive_bytes,
        shape=static_shape(output(node)),
        receptive_field=extents.span(field),
        stride=extents.stride(field),
    )


def _first_read(node: ir.Node, seen: set[int]) -> list[ir.Value]:
    """Return the initializers that no node before has read."""
    fresh = []
    for value in node.inputs:
        if value is not None and value.is_initializer() and id(value) not in seen:
            seen.add(id(value))
            fresh.append(value)
    return fresh


def _size(value: ir.Value) -> int:
    return math.prod(static_shape(value))


def kind(node: ir.Node) -> str:
    """Return the operator, for convolutions with the kernel, and whether it is depthwise or grouped."""
    if node.op_type not in ("Conv", "ConvTranspose"):
        return operator(node)
    weight, groups = node.inputs[1], attribute(node, "group", 1)
    assert weight is not None
    shape = static_shape(weight)
    form = "" if groups == 1 else " depthwise" if shape[1] == 1 else f" {groups} groups"
    return f"{node.op_type}{form} {'x'.join(map(str, shape[2:]))}"
