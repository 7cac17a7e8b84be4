"""Mult-adds by operator: 1 mult-add = 1 multiplication + 1 addition.

    convolution             h_out w_out c_out (c_in / groups) k_h k_w    padding taps counted
    transposed convolution  h_in w_in c_in (c_out / groups) k_h k_w      by input pixel
    fully connected         rows in out

Biases, normalization, activations, pooling and additions are free. An operator in neither table is
unknown, never zero. Source: the convention of the ResNet, DenseNet and MobileNet papers.
"""

import math
from collections.abc import Callable

import onnx_ir as ir

from edgecnn.graph.nodes import output, static_shape


def operator(node: ir.Node) -> str:
    """Return the operator's name, with its domain where that is not ONNX's own."""
    return f"{node.domain}.{node.op_type}" if node.domain else node.op_type


def mult_adds(node: ir.Node) -> int | None:
    """Return the mult-adds of a node; None for an operator that is not known."""
    if node.domain:
        return None
    if node.op_type in FREE:
        return 0
    count = COUNTED.get(node.op_type)
    return None if count is None else count(node)


def _shape(node: ir.Node, index: int) -> tuple[int, ...]:
    value = node.inputs[index]
    assert value is not None
    return static_shape(value)


def _conv(node: ir.Node) -> int:
    return math.prod(static_shape(output(node))) * math.prod(_shape(node, 1)[1:])


def _conv_transpose(node: ir.Node) -> int:
    return math.prod(_shape(node, 0)) * math.prod(_shape(node, 1)[1:])


def _gemm(node: ir.Node) -> int:
    rows = static_shape(output(node))[0]
    return rows * math.prod(_shape(node, 1))


def _matmul(node: ir.Node) -> int:
    return math.prod(static_shape(output(node))) * _shape(node, 0)[-1]


COUNTED: dict[str, Callable[[ir.Node], int]] = {
    "Conv": _conv,
    "ConvTranspose": _conv_transpose,
    "Gemm": _gemm,
    "MatMul": _matmul,
}

FREE = frozenset(
    "Abs Add And ArgMax ArgMin AveragePool BatchNormalization Cast Ceil Celu Clip Concat Constant"
    " ConstantOfShape DepthToSpace DequantizeLinear Div Dropout DynamicQuantizeLinear Elu Equal Erf Exp"
    " Expand Flatten Floor Gather GatherElements GatherND GlobalAveragePool GlobalLpPool GlobalMaxPool"
    " Greater GreaterOrEqual HardSigmoid HardSwish Identity InstanceNormalization LRN LeakyRelu Less"
    " LessOrEqual Log LogSoftmax LpNormalization LpPool Max MaxPool Mean MeanVarianceNormalization Min Mul"
    " Neg Not Or PRelu Pad Pow QuantizeLinear Range Reciprocal ReduceL1 ReduceL2 ReduceMax ReduceMean"
    " ReduceMin ReduceProd ReduceSum ReduceSumSquare Relu Reshape Resize Round Selu Shape Sigmoid Sign"
    " Size Slice Softmax Softplus Softsign SpaceToDepth Split Sqrt Squeeze Sub Sum Tanh ThresholdedRelu"
    " Tile TopK Transpose Unsqueeze Where".split()
)
