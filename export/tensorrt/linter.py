"""`lint`: what TensorRT would refuse of a graph, found on the host.

Sources: docs/operators.md of onnx-tensorrt for operators, opsets and restrictions.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial

import onnx_ir as ir

from edgecnn.export.tensorrt import quantized_rules
from edgecnn.export.tensorrt.findings import ERROR, WARNING, Finding
from edgecnn.export.tensorrt.generations import (
    CONSTANT_WEIGHTS_BEFORE,
    GENERATIONS,
    LOWEST_OPSET,
    Generation,
    generation,
)
from edgecnn.graph.nodes import attribute, describe

Rule = Callable[[ir.Model, Sequence[Generation]], Iterator[Finding]]

_POOLS = ("AveragePool", "MaxPool", "LpPool")
_RESIZE_WORDS = {
    "coordinate_transformation_mode": (
        "half_pixel",
        ("half_pixel", "pytorch_half_pixel", "tf_half_pixel_for_nn", "asymmetric", "align_corners"),
    ),
    "mode": ("nearest", ("nearest", "linear")),
    "nearest_mode": ("round_prefer_floor", ("floor", "ceil", "round_prefer_floor", "round_prefer_ceil")),
}
# They compute shapes, which TensorRT does in int32 (to 8.6) or int64 (from 9) without anyone noticing.
_SHAPE_OPERATORS = {
    *("Add", "Cast", "Concat", "Constant", "ConstantOfShape", "Div", "Expand", "Gather", "Identity", "Mul"),
    *("Range", "ReduceProd", "Reshape", "Shape", "Size", "Slice", "Split", "Squeeze", "Sub", "Unsqueeze"),
}
_LAYER_INPUTS = (ir.DataType.FLOAT, ir.DataType.FLOAT16)


def lint(model: ir.Model, versions: Sequence[str] = tuple(GENERATIONS)) -> list[Finding]:
    """Return what the TensorRT versions given would refuse or read wrongly, errors first.

    Args:
        model: the graph as it would be shipped, shapes inferred.
        versions: TensorRT versions, such as those of a target's profile; all generations by default.

    Raises:
        UnknownNameError: a version of an unknown generation.
    """
    generations = sorted({generation(version) for version in versions}, key=lambda each: each.version)
    found = [finding for rule in RULES for finding in rule(model, generations)]
    return sorted(found, key=lambda each: each.severity != ERROR)


def _opset(model: ir.Model, generations: Sequence[Generation]) -> Iterator[Finding]:
    opset = model.graph.opset_imports.get("", 0)
    for each in generations:
        if not LOWEST_OPSET <= opset <= each.opset:
            text = (
                f"TensorRT {each.tensorrt} ({each.jetpack}) reads opset {LOWEST_OPSET} to {each.opset},"
                f" this is opset {opset}; export with opset_version={each.opset}"
            )
            yield Finding(severity=ERROR, rule="opset", place="the graph", message=text)


def _operators(model: ir.Model, generations: Sequence[Generation]) -> Iterator[Finding]:
    error = partial(Finding, severity=ERROR, rule="operator")
    for node in model.graph.all_nodes():
        if node.domain not in ("", "ai.onnx"):
            yield error(place=describe(node), message="TensorRT has no operators of this domain; replace it")
            continue
        lacking = [each.tensorrt for each in generations if node.op_type not in each.operators]
        if lacking:
            text = f"TensorRT {', '.join(lacking)} has no {node.op_type}; replace it"
            yield error(place=describe(node), message=text)


def _static_shapes(model: ir.Model, _: Sequence[Generation]) -> Iterator[Finding]:
    error = partial(Finding, severity=ERROR, rule="static shape")
    for value in (*model.graph.inputs, *model.graph.outputs):
        if value.shape is None or not value.shape.is_static():
            text = (
                f"its shape {value.shape} is not fixed; fix the input with --input {value.name}:1x3x224x224"
            )
            yield error(place=f"value {value.name!r}", message=text)
    for value in _values(model):
        if value.shape is not None and 0 in value.shape:
            text = f"its shape {value.shape} has no elements; remove it"
            yield error(place=f"value {value.name!r}", message=text)


def _types(model: ir.Model, _: Sequence[Generation]) -> Iterator[Finding]:
    for value in (*model.graph.inputs, *model.graph.outputs):
        if value.dtype not in _LAYER_INPUTS:
            text = f"inputs and outputs must be float32 or float16, this is {value.dtype}"
            yield Finding(severity=ERROR, rule="type", place=f"value {value.name!r}", message=text)
    for value in _values(model):
        node = value.producer()
        if value.dtype == ir.DataType.DOUBLE:
            text = "TensorRT has no float64 and rounds it to float32; export in float32"
            yield Finding(severity=ERROR, rule="type", place=f"value {value.name!r}", message=text)
        elif value.dtype == ir.DataType.INT64 and node is not None and node.op_type not in _SHAPE_OPERATORS:
            text = "TensorRT up to 8.6 computes int64 in int32; it is safe for shapes only"
            yield Finding(severity=WARNING, rule="type", place=describe(node), message=text)


def _convolutions(model: ir.Model, generations: Sequence[Generation]) -> Iterator[Finding]:
    error = partial(Finding, severity=ERROR, rule="convolution")
    old = [each.tensorrt for each in generations if each.version < CONSTANT_WEIGHTS_BEFORE]
    for node in _nodes(model, "Conv", "ConvTranspose"):
        weight = node.inputs[1]
        if weight is not None and weight.shape is not None and len(weight.shape) not in (4, 5):
            yield error(place=describe(node), message="TensorRT has 2-D and 3-D convolutions only")
        if old and weight is not None and not quantized_rules.is_constant(weight):
            text = f"TensorRT {', '.join(old)} needs weights that are constant; fold what computes them"
            yield error(place=describe(node), message=text)


def _pools(model: ir.Model, _: Sequence[Generation]) -> Iterator[Finding]:
    error = partial(Finding, severity=ERROR, rule="pooling")
    for node in _nodes(model, *_POOLS):
        if any(step != 1 for step in attribute(node, "dilations", ())):
            yield error(place=describe(node), message="TensorRT has no pooling with dilations")
        if len(node.outputs) > 1 and (node.outputs[1].uses() or node.outputs[1].is_graph_output()):
            yield error(place=describe(node), message="TensorRT gives no indices of the largest values")


def _resizes(model: ir.Model, _: Sequence[Generation]) -> Iterator[Finding]:
    for node in _nodes(model, "Resize"):
        for name, (default, allowed) in _RESIZE_WORDS.items():
            word = attribute(node, name, default)
            if word not in allowed:
                text = f"TensorRT has no {name}={word}; use one of {', '.join(allowed)}"
                yield Finding(severity=ERROR, rule="resize", place=describe(node), message=text)


def _training(model: ir.Model, _: Sequence[Generation]) -> Iterator[Finding]:
    for node in _nodes(model, "BatchNormalization", "Dropout"):
        if attribute(node, "training_mode", 0) or len([out for out in node.outputs if out.uses()]) > 1:
            text = "it is in training mode; export the network in evaluation mode"
            yield Finding(severity=ERROR, rule="training mode", place=describe(node), message=text)


def _nodes(model: ir.Model, *operators: str) -> list[ir.Node]:
    return [node for node in model.graph.all_nodes() if node.op_type in operators]


def _values(model: ir.Model) -> Iterator[ir.Value]:
    yield from model.graph.inputs
    yield from model.graph.initializers.values()
    for node in model.graph.all_nodes():
        yield from node.outputs


def _quantized(rule: Callable[[ir.Model], Iterator[Finding]]) -> Rule:
    return lambda model, _: rule(model)


RULES: tuple[Rule, ...] = (
    _opset,
    _operators,
    _static_shapes,
    _types,
    _convolutions,
    _pools,
    _resizes,
    _training,
    *map(_quantized, quantized_rules.RULES),
)
