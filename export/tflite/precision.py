"""In which precision a node computes: int8 where its inputs and its result are quantized, else float32.

An operator that commutes with quantization hands a decision on, without a loss:
    Q(f(x)) = f(Q(x))                    MaxPool, Reshape, Slice, Relu, ...
so a pair behind it counts for the operator before it, and a pair before it for what reads it.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import onnx_ir as ir

from edgecnn.export.tflite import fusion
from edgecnn.export.tflite.elementwise import per_channel, shift_behind
from edgecnn.export.tflite.lowering import Lowering
from edgecnn.export.tflite.pairs import DEQUANTIZE, QUANTIZE, paired_weight, quantization_of
from edgecnn.export.tflite.pooling import divides_by_taps
from edgecnn.export.tflite.quantization import LEAST, MOST, Quantization
from edgecnn.export.tflite.rules import RULES
from edgecnn.graph.nodes import attribute, constant, output, static_shape


@dataclass(frozen=True, kw_only=True)
class Int8Form:
    """What the int8 kernel of an operator asks of the scales.

    Attributes:
        rescales: the result may have another scale than the inputs.
        commutes: with the inputs' scale the result is exact.
        fixed: the one quantization that its result can have.
    """

    rescales: bool = False
    commutes: bool = False
    fixed: Quantization | None = None


_OWN = Int8Form(rescales=True)
_KEPT = Int8Form(commutes=True)
_BOTH = Int8Form(rescales=True, commutes=True)
_UNIT = Quantization(scale=(1 / 256,), zero_point=-128)

FORMS: dict[str, Int8Form] = {
    **dict.fromkeys("Conv ConvTranspose Gemm MatMul BatchNormalization".split(), _OWN),
    **dict.fromkeys("Add Sub Mul GlobalAveragePool ReduceMean ReduceSum".split(), _OWN),
    **dict.fromkeys("Abs Elu Exp HardSwish LeakyRelu PRelu HardSigmoid".split(), _OWN),
    **dict.fromkeys("Concat Relu".split(), _BOTH),
    **dict.fromkeys("Clip Dropout Flatten GlobalMaxPool Identity MaxPool Pad ReduceMax".split(), _KEPT),
    **dict.fromkeys("DepthToSpace Reshape Slice SpaceToDepth Squeeze Transpose Unsqueeze".split(), _KEPT),
    **dict.fromkeys("AveragePool Resize".split(), Int8Form()),
    **dict.fromkeys("Sigmoid Softmax".split(), Int8Form(fixed=_UNIT)),
    "LogSoftmax": Int8Form(fixed=Quantization(scale=(16 / 256,), zero_point=127)),
    "Tanh": Int8Form(fixed=Quantization(scale=(1 / 128,), zero_point=0)),
}


def without_int8() -> frozenset[str]:
    """Return the ONNX operators that a file can hold in float32 alone."""
    return frozenset(RULES) - frozenset(FORMS) - {QUANTIZE, DEQUANTIZE}


def form_of(node: ir.Node) -> Int8Form | None:
    """Return what the node's int8 kernel asks, or None where there is none."""
    form = FORMS.get(node.op_type)
    if node.op_type == "Clip" and fusion.activation(node):
        return _BOTH
    if node.op_type == "Resize" and attribute(node, "mode", "nearest") == "nearest":
        return _KEPT
    if node.op_type == "Pad" and attribute(node, "mode", "constant") == "constant":
        fill = constant(node.inputs[2]) if len(node.inputs) > 2 else None
        return Int8Form() if fill is not None and fill.any() else _KEPT
    return form


def result_of(node: ir.Node, graph: Lowering) -> Quantization | None:
    """Return the quantization of the int8 result of `node`, or None where it computes in float32."""
    form = form_of(node)
    names = [value.name for value in node.inputs if value is not None]
    inputs = [graph.quantization(graph.held[name]) for name in names if name in graph.held]
    if form is None or not inputs or None in inputs or not _constants_fit(node, graph):
        return None
    wanted = wanted_of(output(shift_behind(node, graph) or node))
    if form.fixed is not None:
        return form.fixed if wanted else None
    if form.rescales and wanted:
        return wanted
    same = inputs[0] if len(set(inputs)) == 1 else None
    return same if wanted or form.commutes else None


def wanted_of(value: ir.Value) -> Quantization | None:
    """Return the quantization that everything which reads `value` asks for, or None."""
    if value.is_graph_output():
        return None
    found = {_wanted_by(use.node, use.idx) for use in value.uses()}
    return found.pop() if len(found) == 1 else None


def _wanted_by(node: ir.Node, place: int) -> Quantization | None:
    if node.op_type == QUANTIZE:
        return quantization_of(node) if place == 0 else None
    form = form_of(node)
    return wanted_of(output(node)) if form is not None and form.commutes else None


def _constants_fit(node: ir.Node, graph: Lowering) -> bool:
    check = _CHECKS.get(node.op_type)
    return check is None or check(node, graph)


def _weight_fits(node: ir.Node, _graph: Lowering) -> bool:
    """Say whether the weight is int8 and symmetric, with one scale or one for each output channel."""
    found = paired_weight(node.inputs[1])
    if found is None or found.quantization.zero_point:
        return False
    return not found.quantization.per_channel or found.quantization.axis == channel_axis(node)


def channel_axis(node: ir.Node) -> int:
    """Return the axis of the output channels in a node's weight."""
    if node.op_type == "Gemm":
        return 0 if attribute(node, "transB", 0) else 1
    return {"ConvTranspose": 1, "MatMul": 1}.get(node.op_type, 0)


def _operands_fit(node: ir.Node, graph: Lowering) -> bool:
    """Say whether every constant operand is int8, or has an exact int8 form."""
    return all(_operand_fits(node, value, graph) for value in node.inputs if value is not None)


def _operand_fits(node: ir.Node, value: ir.Value, graph: Lowering) -> bool:
    if value.name in graph.held:
        return True
    found = paired_weight(value)
    if found is not None:
        return not found.quantization.per_channel
    array = constant(value)
    if array is None or array.dtype != np.float32:
        return False
    return array.size == 1 or (node.op_type != "PRelu" and per_channel(node, graph) is not None)


def _is_image(node: ir.Node, _graph: Lowering) -> bool:
    return len(static_shape(output(node))) == 4


def _hard_sigmoid_fits(node: ir.Node, graph: Lowering) -> bool:
    """Say whether the range of the result ends at 0 and before or at 1."""
    wanted = wanted_of(output(node))
    if wanted is None or not _is_image(node, graph):
        return False
    return wanted.represents(0.0) == LEAST and wanted.represents(1.0) == MOST


_CHECKS: dict[str, Callable[[ir.Node, Lowering], bool]] = {
    **dict.fromkeys(("Conv", "ConvTranspose", "Gemm", "MatMul"), _weight_fits),
    **dict.fromkeys(("Add", "Sub", "Mul", "PRelu"), _operands_fit),
    "AveragePool": lambda node, _graph: divides_by_taps(node),
    "BatchNormalization": _is_image,
    "HardSigmoid": _hard_sigmoid_fits,
}
