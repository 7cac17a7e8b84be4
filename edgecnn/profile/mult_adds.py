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
    "Abs Add AveragePool BatchNormalization Ceil Clip Concat Constant DequantizeLinear Div Dropout Elu"
    " Erf Exp Expand Flatten Floor Gather GlobalAveragePool GlobalMaxPool HardSigmoid HardSwish Identity"
    " LRN LeakyRelu Log Max MaxPool Min Mul Neg PRelu Pad Pow QuantizeLinear Reciprocal ReduceMax"
    " ReduceMean ReduceSum Relu Reshape Resize Shape Sigmoid Slice Softmax Softplus Split Sqrt Squeeze"
    " Sub Sum Tanh Transpose Unsqueeze Cast DepthToSpace SpaceToDepth".split()
)
