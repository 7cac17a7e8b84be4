"""Walking a `.tflite` file once to profile it."""

import math

from edgecnn.errors import EdgeCnnError
from edgecnn.graph.liveness import Lifetime, alive_bytes
from edgecnn.graph.tflite_file import TfliteGraph, TfliteOperator, TfliteTensor, read_tflite
from edgecnn.profile import extents, tflite_fields
from edgecnn.profile.arena import arena_bytes
from edgecnn.profile.records import LayerProfile, Profile
from edgecnn.profile.tflite_mult_adds import is_average, mult_adds


def profile_tflite(data: bytes) -> Profile:
    """Return what a `.tflite` file costs, and the arena that a microcontroller needs for it.

    Weights are counted as the file holds them: BatchNorm folded, biases in, scales and zero points out.

    Raises:
        EdgeCnnError: it is no .tflite file, or a damaged one, or the size of its images is not fixed.
    """
    graph = read_tflite(data)
    _require_fixed_inputs(graph)
    fields: tflite_fields.Fields = {}
    for index in graph.inputs:
        field = tflite_fields.start(graph.tensors[index].shape)
        if field is not None:
            fields[index] = field
    seen: set[int] = set()
    lives = lifetimes(graph)
    layers, last_map = [], None
    for operator, alive in zip(graph.operators, alive_bytes(lives, len(graph.operators)), strict=True):
        field = tflite_fields.propagate(operator, graph, fields)
        if field is not None:
            fields.update(dict.fromkeys(operator.outputs, field))
            last_map = field
        layers.append(_layer(operator, graph, alive, field, seen))
    counts = zip(graph.operators, layers, strict=True)
    unknown = {operator.name: None for operator, layer in counts if layer.mult_adds is None}
    return Profile(
        layers=tuple(layers),
        unknown_ops=tuple(unknown),
        receptive_field=extents.span(last_map),
        stride=extents.stride(last_map),
        arena_bytes=activations_bytes(graph),
    )


def activations_bytes(graph: TfliteGraph) -> int:
    """Return what a file's activations, and what its kernels ask for besides, take of the arena."""
    return arena_bytes([*lifetimes(graph), *_scratch(graph)])


def _scratch(graph: TfliteGraph) -> list[Lifetime]:
    """Return the memory that int8 kernels of TFLite-Micro ask for while they run.

    A transposed convolution, a mean and a sum add up their outputs in 32 bits; the latter two keep an index
    and their axes besides (`transpose_conv.cc`, `reduce_common.cc`).
    """
    found = []
    for step, operator in enumerate(graph.operators):
        made = graph.tensors[operator.outputs[0]]
        if operator.name not in ("TRANSPOSE_CONV", "MEAN", "SUM") or made.dtype != "int8":
            continue
        found.append(Lifetime(4 * made.nbytes, step, step))
        if operator.name != "TRANSPOSE_CONV":
            image, axes = (graph.tensors[index] for index in operator.inputs)
            found += [Lifetime(4 * len(image.shape), step, step), Lifetime(axes.nbytes, step, step)]
    return found


def lifetimes(graph: TfliteGraph) -> list[Lifetime]:
    """Return when each tensor that is computed is alive, in the order of the file's tensors."""
    first = dict.fromkeys(graph.inputs, 0)
    last = dict(first)
    for step, operator in enumerate(graph.operators):
        first.update(dict.fromkeys(operator.outputs, step))
        last.update(dict.fromkeys([*operator.inputs, *operator.outputs], step))
    last.update(dict.fromkeys(graph.outputs, len(graph.operators) - 1))
    return [
        Lifetime(tensor.nbytes, first[index], last[index])
        for index, tensor in enumerate(graph.tensors)
        if index in first and _is_activation(tensor)
    ]


def _is_activation(tensor: TfliteTensor) -> bool:
    return tensor.content is None and not tensor.is_variable and math.prod(tensor.shape) > 0


def _require_fixed_inputs(graph: TfliteGraph) -> None:
    for index in graph.inputs:
        tensor = graph.tensors[index]
        if set(tensor.dynamic_axes) - {0}:
            raise EdgeCnnError(
                f"input {tensor.name!r} of the .tflite file has axes whose size is not fixed:"
                f" {list(tensor.dynamic_axes)}; export it again with a fixed resolution"
            )


def _layer(
    operator: TfliteOperator,
    graph: TfliteGraph,
    alive: int,
    field: extents.Field | None,
    seen: set[int],
) -> LayerProfile:
    touched = {index: graph.tensors[index] for index in [*operator.inputs, *operator.outputs] if index >= 0}
    fresh = {index for index in touched if graph.tensors[index].content is not None} - seen
    seen |= fresh
    outputs = [graph.tensors[index] for index in operator.outputs]
    return LayerProfile(
        name=outputs[0].name if outputs else "",
        kind=kind(operator, graph),
        mult_adds=mult_adds(operator, graph),
        parameters=_parameters(operator, graph, fresh),
        weight_bytes=sum(_held_bytes(touched[index]) for index in fresh),
        activation_bytes=sum(tensor.nbytes for tensor in outputs),
        moved_bytes=sum(map(_held_bytes, touched.values())),
        alive_bytes=alive,
        shape=outputs[0].shape if outputs else (),
        receptive_field=extents.span(field),
        stride=extents.stride(field),
    )


def _held_bytes(tensor: TfliteTensor) -> int:
    """Return the bytes of a tensor, for a constant as the file holds it."""
    return tensor.nbytes if tensor.content is None else tensor.content.nbytes


def _parameters(operator: TfliteOperator, graph: TfliteGraph, fresh: set[int]) -> int:
    """Count the scalars of the weights: of what is not settings, such as axes and shapes."""
    if is_average(operator, graph):
        return 0
    weights = _WEIGHTS.get(operator.name)
    found = 0
    for place, index in enumerate(operator.inputs):
        tensor = graph.tensors[index]
        is_weight = place in weights if weights else tensor.dtype not in _SETTINGS
        if index in fresh and is_weight:
            found += math.prod(tensor.shape)
    return found


# Which inputs are weights, where 32-bit integers may be (the biases of int8 networks), or where settings
# have the type of the image (the value that PADV2 pads with).
_WEIGHTS = {
    **dict.fromkeys(("CONV_2D", "CONV_3D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"), (1, 2)),
    "TRANSPOSE_CONV": (1, 3),
    "PADV2": (-1,),
}
_SETTINGS = ("int32", "int64", "uint32", "uint64", "bool", "string")


def kind(operator: TfliteOperator, graph: TfliteGraph) -> str:
    """Return the operator, for convolutions with the kernel, and whether it is grouped."""
    if operator.name not in ("CONV_2D", "DEPTHWISE_CONV_2D", "TRANSPOSE_CONV"):
        return operator.name
    image, weights = (graph.tensors[index].shape for index in operator.inputs[:2])
    groups = image[-1] // weights[-1] if operator.name == "CONV_2D" else 1
    form = "" if groups == 1 else f" {groups} groups"
    return f"{operator.name}{form} {'x'.join(map(str, weights[1:3]))}"
