"""Walking a graph once to profile it."""

import math

import onnx_ir as ir

from edgecnn.graph import liveness, roles
from edgecnn.graph.nodes import attribute, output, static_shape
from edgecnn.profile import receptive_field
from edgecnn.profile.mult_adds import mult_adds
from edgecnn.profile.records import LayerProfile, Profile


def profile(model: ir.Model) -> Profile:
    """Return what a graph costs; the graph needs shapes but no weights, and is not changed.

    Raises `EdgeCnnError` where a shape is not fixed.
    """
    graph = model.graph
    images = [value for value in graph.inputs if value.name not in graph.initializers]
    fields: receptive_field.Fields = {id(value): receptive_field.start(value) for value in images}
    seen: set[int] = set()
    layers, last_map = [], None
    for node in graph:
        field = receptive_field.propagate(node, fields)
        if field:
            fields[id(output(node))] = field
            last_map = field
        layers.append(_layer(node, field, seen))
    unknown = {
        node.op_type: None for node, layer in zip(graph, layers, strict=True) if layer.mult_adds is None
    }
    return Profile(
        layers=tuple(layers),
        unknown_ops=tuple(unknown),
        peak_activation_bytes=liveness.peak_bytes(images, list(graph)),
        receptive_field=receptive_field.span(last_map),
    )


def _layer(node: ir.Node, field: receptive_field.Field | None, seen: set[int]) -> LayerProfile:
    weights = _first_read(node, seen)
    return LayerProfile(
        name=node.name or output(node).name or "",
        kind=kind(node),
        mult_adds=mult_adds(node),
        parameters=sum(_size(value) for value in weights if roles.role(value) == roles.PARAMETER),
        weight_bytes=sum(liveness.nbytes(value) for value in weights),
        activation_bytes=sum(liveness.nbytes(value) for value in node.outputs),
        shape=static_shape(output(node)),
        receptive_field=receptive_field.span(field),
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
        return node.op_type
    weight, groups = node.inputs[1], attribute(node, "group", 1)
    assert weight is not None
    shape = static_shape(weight)
    form = "" if groups == 1 else " depthwise" if shape[1] == 1 else f" {groups} groups"
    return f"{node.op_type}{form} {'x'.join(map(str, shape[2:]))}"
