"""From the canonical ONNX graph to a .tflite file."""

from dataclasses import replace
from typing import Any

import onnx_ir as ir

from edgecnn.errors import EdgeCnnError, UnknownNameError
from edgecnn.export.tflite.layout import Held, standard
from edgecnn.export.tflite.lowering import Lowering
from edgecnn.export.tflite.packing import pack
from edgecnn.export.tflite.pairs import DEQUANTIZE, QUANTIZE, has_activation_pairs, has_weight_pairs
from edgecnn.export.tflite.precision import result_of, wanted_of
from edgecnn.export.tflite.program import Program
from edgecnn.export.tflite.refusal import refuse
from edgecnn.export.tflite.rules import RULES
from edgecnn.graph.nodes import output, static_shape

OPSETS = range(13, 21)
IO = ("float", "int8")
WEIGHTS = ("float32", "float16")
_SCHEME, _TFLITE = "edgecnn.scheme", "tflite"
_FLOAT = ir.DataType.FLOAT
_MOST_AXES = 4


def write(model: ir.Model, *, io: str = "float", weights: str = "float32") -> bytes:
    """Return the .tflite file that computes what `model` does, in float32 or as its Q/DQ pairs say.

    Images are NHWC in the file, (n, c, h, w) in the graph; no operator transposes. Tensors have the names
    of the ONNX values; the signature `serving_default` has the names of the graph's inputs and outputs.
    The graph is not changed, and equal graphs give equal bytes.

    Scales and zero points of QuantizeLinear and DequantizeLinear are carried over, nothing is quantized
    anew: an operator whose inputs and result are paired is int8, its weights int8 and its bias int32. With
    `io="int8"` the file takes and gives int8, in the quantization of its input and output tensor; with
    `"float"` it takes and gives float32. Where only weights are paired, activations stay float32: the kernels
    round them as they run. With `weights="float16"` the weights of a float graph are stored in float16, and
    computed with in float32.

    Raises:
        UnsupportedOperatorError: a node cannot be written exactly; names it, why, and what to do.
        EdgeCnnError: the graph is of another opset, type or size than the format and this writer take.
    """
    return pack(lower(model, io=io, weights=weights))


def lower(model: ir.Model, *, io: str = "float", weights: str = "float32") -> Program:
    """Return the TFLite graph of `model` before it becomes bytes; raises what `write` does."""
    for kind, given, allowed in (("type of input and output", io, IO), ("type of weights", weights, WEIGHTS)):
        if given not in allowed:
            raise UnknownNameError(kind, given, allowed)
    dynamic = has_weight_pairs(model) and not has_activation_pairs(model)
    if weights != "float32" and has_weight_pairs(model):
        raise EdgeCnnError(f"the graph's weights are int8; {weights} is for a graph that is not quantized")
    _check_model(model)
    model = _with_shapes(model)
    for node in model.graph:
        _check_node(node)
    values = [*model.graph.inputs, *(value for node in model.graph for value in node.outputs)]
    names = (str(value.name) for value in values)
    graph = Lowering(names, dynamic=dynamic, half=weights == "float16")
    inputs = {str(value.name): _input(value, graph, io) for value in _computed_inputs(model)}
    for node in model.graph:
        if node not in graph.absorbed:
            graph.result = result_of(node, graph)
            RULES[node.op_type].lower(node, graph)
    outputs = {str(value.name): _output(value, graph, io) for value in model.graph.outputs}
    _name_outputs(graph, inputs, outputs)
    return Program(
        tensors=graph.tensors,
        operators=graph.operators,
        inputs=inputs,
        outputs=outputs,
        held=graph.held,
        notes=_notes(graph, model),
    )


def _check_model(model: ir.Model) -> None:
    opset = model.graph.opset_imports.get("")
    if opset not in OPSETS:
        raise EdgeCnnError(
            f"the graph has ONNX opset {opset}, the .tflite writer takes {OPSETS[0]} to {OPSETS[-1]};"
            " load it with edgecnn, which brings it to opset 13"
        )
    scheme = model.metadata_props.get(_SCHEME, _TFLITE)
    if scheme != _TFLITE:
        raise EdgeCnnError(
            f"the graph is quantized by the rules of {scheme}, which leave much of a .tflite file in float32;"
            " quantize it for a target that runs .tflite"
        )
    if model.functions:
        raise EdgeCnnError("the graph has functions of its own; inline them before writing .tflite")
    for value in _computed_inputs(model):
        if value.dtype is not None and value.dtype != _FLOAT:
            raise EdgeCnnError(f"the input {value.name!r} is {value.dtype.name}, the writer takes FLOAT")


def _computed_inputs(model: ir.Model) -> list[ir.Value]:
    """Return the inputs that a caller gives: old graphs list their initializers as inputs, too."""
    return [value for value in model.graph.inputs if value.name not in model.graph.initializers]


def _with_shapes(model: ir.Model) -> ir.Model:
    """Return `model`, or a copy with inferred shapes where some are missing."""
    values = [value for node in model.graph for value in node.outputs if value.name]
    if all(value.shape is not None and value.shape.is_static() for value in values):
        return model
    from onnx_ir.passes.common import ShapeInferencePass

    return ShapeInferencePass()(model.clone()).model


def _check_node(node: ir.Node) -> None:
    """Refuse an operator, attribute, output or type that no handler knows."""
    if node.domain not in ("", "ai.onnx") or node.op_type not in RULES:
        raise refuse(node, "the writer does not know this operator", f"it knows {', '.join(RULES)}")
    unknown = set(node.attributes) - RULES[node.op_type].attributes
    if unknown:
        names = ", ".join(sorted(unknown))
        raise refuse(node, f"the writer does not know its attribute {names}", "remove it or its effect")
    for extra in node.outputs[1:]:
        if tuple(extra.uses()) or extra.is_graph_output():
            raise refuse(node, f"its second output {extra.name!r} is used", "use the first one only")
    for value in (*node.inputs, node.outputs[0]):
        if value is None or value.const_value is not None or _is_quantized(value):
            continue
        if value.dtype is not None and value.dtype != _FLOAT:
            raise refuse(node, f"{value.name!r} is {value.dtype.name}", "only float32 networks are written")
        if len(static_shape(value)) > _MOST_AXES:
            raise refuse(node, f"{value.name!r} has more than 4 axes", "use at most 4")


def _is_quantized(value: ir.Value) -> bool:
    """Say whether `value` lies between the nodes of a pair."""
    node = value.producer()
    return node is not None and node.op_type == QUANTIZE


def _input(value: ir.Value, graph: Lowering, io: str) -> int:
    shape = static_shape(value)
    axes = standard(len(shape))
    wanted = wanted_of(value) if io == "int8" else None
    if io == "int8" and wanted is None:
        raise EdgeCnnError(
            f"the input {value.name!r} is not read through one QuantizeLinear, so it cannot be int8;"
            " use io=float"
        )
    index = graph.tensor(str(value.name), [shape[axis] for axis in axes], quantization=wanted)
    graph.held[str(value.name)] = Held(index=index, shape=shape, axes=axes)
    return index


def _output(value: ir.Value, graph: Lowering, io: str) -> int:
    """Return the tensor of a graph output, in the standard layout."""
    node = value.producer()
    held = graph.held.get(str(value.name))
    if node is None or held is None:
        raise EdgeCnnError(f"the output {value.name!r} is a constant or an input; return a computed value")
    if held.blocks:
        raise refuse(node, "the network ends in a flattened image", "end it before the Flatten")
    held = graph.arranged(node, held, standard(len(held.shape)))
    if io == "float":
        held = replace(held, index=graph.converted(held.index, None))
    elif graph.quantization(held) is None:
        raise EdgeCnnError(f"the output {value.name!r} is not quantized, so it cannot be int8; use io=float")
    graph.held[str(value.name)] = held
    return held.index


def _name_outputs(graph: Lowering, inputs: dict[str, int], outputs: dict[str, int]) -> None:
    """Give output tensors the outputs' names, which a value seen through views does not have."""
    if len({*inputs.values(), *outputs.values()}) < len(inputs) + len(outputs):
        raise EdgeCnnError("two inputs or outputs of the graph are the same tensor; return each value once")
    by_name = {tensor.name: tensor for tensor in graph.tensors}
    for name, index in outputs.items():
        tensor = graph.tensors[index]
        if name in by_name:
            by_name[name].name = tensor.name
        tensor.name = name


def _notes(graph: Lowering, model: ir.Model) -> dict[str, Any]:
    """Return where the values are that are not "the tensor of the same name, NHWC where 4-D".

    What a pair gives is in the tensor of what it reads, or in one of its own that has no name in ONNX.
    """
    names = {tensor.name for tensor in graph.tensors}
    pairs = {output(node).name for node in model.graph if node.op_type in (QUANTIZE, DEQUANTIZE)}
    notes: dict[str, Any] = dict.fromkeys(sorted(graph.scratch_names & names))
    for name, held in graph.held.items():
        if name in pairs and name not in names:
            continue
        tensor = graph.tensors[held.index].name
        if (tensor, held.axes, held.blocks) != (name, standard(len(held.shape)), ()):
            notes[name] = {"tensor": tensor, "shape": held.shape, "axes": held.axes, "blocks": held.blocks}
    return notes
