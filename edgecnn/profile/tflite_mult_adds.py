"""Mult-adds by TFLite operator, in the convention of `edgecnn.profile.mult_adds`.

A 1x1 DEPTHWISE_CONV_2D of as many channels as its input only scales and shifts each channel: a
normalization that nothing could be folded into is written so, and is free like one. So is one whose weights
are a single number: an average pool in int8. An operator in neither table is unknown, never zero.
"""

import math
from collections.abc import Callable, Sequence

import numpy as np

from edgecnn.graph.tflite_file import TfliteGraph, TfliteOperator

Shapes = Sequence[Sequence[int]]


def mult_adds(operator: TfliteOperator, graph: TfliteGraph) -> int | None:
    """Return the mult-adds of an operator; None for one that is not known."""
    if operator.name in FREE or is_average(operator, graph):
        return 0
    count = COUNTED.get(operator.name)
    if count is None:
        return None
    inputs, outputs = (
        [graph.tensors[index].shape if index >= 0 else () for index in indices]
        for indices in (operator.inputs, operator.outputs)
    )
    return count(inputs, outputs[0], operator)


def is_average(operator: TfliteOperator, graph: TfliteGraph) -> bool:
    """Say whether a depthwise convolution averages windows: larger than 1x1, all weights one int8 number."""
    if operator.name != "DEPTHWISE_CONV_2D":
        return False
    weights = graph.tensors[operator.inputs[1]]
    if weights.content is None or weights.dtype != "int8" or len(weights.scales) != 1:
        return False
    return math.prod(weights.shape[1:3]) > 1 and bool(np.ptp(weights.content) == 0)


def _conv(inputs: Shapes, output: Sequence[int], _: TfliteOperator) -> int:
    return math.prod(output) * math.prod(inputs[1][1:])  # weights (c_out, k, k, c_in / groups)


def _depthwise(inputs: Shapes, output: Sequence[int], _: TfliteOperator) -> int:
    height, width, channels = inputs[1][1:]  # weights (1, k, k, c_out)
    scales = (height, width, channels) == (1, 1, inputs[0][-1])
    return 0 if scales else math.prod(output) * height * width


def _transposed(inputs: Shapes, _output: Sequence[int], _: TfliteOperator) -> int:
    weights, image = inputs[1:3]  # output shape, weights (c_out, k, k, c_in), image
    return math.prod(image[:-1]) * math.prod(weights)


def _fully_connected(inputs: Shapes, _output: Sequence[int], _: TfliteOperator) -> int:
    return math.prod(inputs[0]) * inputs[1][0]  # weights (out, in)


def _batch_matmul(inputs: Shapes, output: Sequence[int], operator: TfliteOperator) -> int:
    return math.prod(output) * inputs[0][-2 if operator.options.get("adjX") else -1]


COUNTED: dict[str, Callable[[Shapes, Sequence[int], TfliteOperator], int]] = {
    "CONV_2D": _conv,
    "CONV_3D": lambda inputs, output, _: math.prod(output) * math.prod(inputs[1][:-1]),  # (k, k, k, in, out)
    "DEPTHWISE_CONV_2D": _depthwise,
    "TRANSPOSE_CONV": _transposed,
    "FULLY_CONNECTED": _fully_connected,
    "BATCH_MATMUL": _batch_matmul,
}

FREE = frozenset(
    "ABS ADD ADD_N ARG_MAX ARG_MIN AVERAGE_POOL_2D BATCH_TO_SPACE_ND BROADCAST_ARGS BROADCAST_TO CAST"
    " CEIL CONCATENATION DEPTH_TO_SPACE DEQUANTIZE DIV ELU EQUAL EXP EXPAND_DIMS FAKE_QUANT FILL FLOOR"
    " FLOOR_DIV FLOOR_MOD GATHER GATHER_ND GELU GREATER GREATER_EQUAL HARD_SWISH L2_NORMALIZATION"
    " L2_POOL_2D LEAKY_RELU LESS LESS_EQUAL LOCAL_RESPONSE_NORMALIZATION LOG LOGICAL_AND LOGICAL_NOT"
    " LOGICAL_OR LOGISTIC LOG_SOFTMAX MAXIMUM MAX_POOL_2D MEAN MINIMUM MIRROR_PAD MUL NEG NOT_EQUAL PACK"
    " PAD PADV2 POW PRELU QUANTIZE RANGE RANK REDUCE_ALL REDUCE_ANY REDUCE_MAX REDUCE_MIN REDUCE_PROD RELU"
    " RELU6 RELU_0_TO_1 RELU_N1_TO_1 RESHAPE RESIZE_BILINEAR RESIZE_NEAREST_NEIGHBOR REVERSE_V2 ROUND"
    " RSQRT SELECT SELECT_V2 SHAPE SIGN SLICE SOFTMAX SPACE_TO_BATCH_ND SPACE_TO_DEPTH SPLIT SPLIT_V SQRT"
    " SQUARE SQUARED_DIFFERENCE SQUEEZE STRIDED_SLICE SUB SUM TANH TILE TOPK_V2 TRANSPOSE UNPACK WHERE"
    " ZEROS_LIKE".split()
)
