"""Every operator with an int8 kernel: at most one step of the output's grid from ONNX Runtime.

Held are XNNPACK's kernels and LiteRT's own, and the operators that must be in the file.
"""

import numpy as np
import pytest

from edgecnn.export.tflite import read_operators

IMAGE, VECTOR = "float[1,4,9,7] x", "float[1,12] x"
SAME = "pads=[1,1,1,1]"

# result shape, nodes, weights (name: shape), the operators beside QUANTIZE and DEQUANTIZE
OPERATORS = {
    "conv": ("1,6,9,7", f"y = Conv<{SAME}>(x, w, b)", {"w": (6, 4, 3, 3), "b": (6,)}, {"CONV_2D": 1}),
    "conv without bias": ("1,6,9,7", "y = Conv(x, w)", {"w": (6, 4, 1, 1)}, {"CONV_2D": 1}),
    "conv, stride 2 with an explicit pad": (
        "1,6,5,4",
        "y = Conv<strides=[2,2], pads=[2,2,1,1]>(x, w, b)",
        {"w": (6, 4, 4, 3), "b": (6,)},
        {"CONV_2D": 1, "PAD": 1},
    ),
    "dilated conv": ("1,6,5,3", "y = Conv<dilations=[2,2]>(x, w)", {"w": (6, 4, 3, 3)}, {"CONV_2D": 1}),
    "grouped conv": (
        "1,6,9,7",
        f"y = Conv<group=2, {SAME}>(x, w, b)",
        {"w": (6, 2, 3, 3), "b": (6,)},
        {"CONV_2D": 1},
    ),
    "depthwise conv": (
        "1,4,9,7",
        f"y = Conv<group=4, {SAME}>(x, w, b)",
        {"w": (4, 1, 3, 3), "b": (4,)},
        {"DEPTHWISE_CONV_2D": 1},
    ),
    "depthwise conv, multiplier 2": (
        "1,8,7,5",
        "y = Conv<group=4>(x, w, b)",
        {"w": (8, 1, 3, 3), "b": (8,)},
        {"DEPTHWISE_CONV_2D": 1},
    ),
    "transposed conv": (
        "1,3,18,14",
        "y = ConvTranspose<strides=[2,2]>(x, w, b)",
        {"w": (4, 3, 2, 2), "b": (3,)},
        {"TRANSPOSE_CONV": 1},
    ),
    "transposed conv cut by a slice": (
        "1,3,17,13",
        "y = ConvTranspose<strides=[2,2], pads=[1,1,1,1], output_padding=[0,0]>(x, w, b)",
        {"w": (4, 3, 3, 3), "b": (3,)},
        {"TRANSPOSE_CONV": 1},
    ),
    "conv and Relu": (
        "1,6,9,7",
        "c = Conv(x, w, b) y = Relu(c)",
        {"w": (6, 4, 1, 1), "b": (6,)},
        {"CONV_2D": 1},
    ),
    "conv, bias for each position": (
        "1,6,9,7",
        "c = Conv(x, w) y = Add(c, p)",
        {"w": (6, 4, 1, 1), "p": (1, 6, 9, 7)},
        {"CONV_2D": 1, "ADD": 1},
    ),
    "normalization": (
        "1,4,9,7",
        "n = Relu(x) y = BatchNormalization(n, g, o, m, v)",
        {"g": (4,), "o": (4,), "m": (4,), "v": None},
        {"RELU": 1, "DEPTHWISE_CONV_2D": 1},
    ),
    "scale and shift": (
        "1,4,9,7",
        "m = Mul(x, s) y = Add(m, o)",
        {"s": (4, 1, 1), "o": (4, 1, 1)},
        {"DEPTHWISE_CONV_2D": 2},
    ),
    "per-channel difference": ("1,4,9,7", "y = Sub(s, x)", {"s": (4, 1, 1)}, {"DEPTHWISE_CONV_2D": 1}),
    "max pool with padding": (
        "1,4,5,4",
        "y = MaxPool<kernel_shape=[3,3], strides=[2,2], pads=[1,1,1,1]>(x)",
        {},
        {"MAX_POOL_2D": 1},
    ),
    "max pool with padding that is not SAME": (
        "1,4,5,5",
        "y = MaxPool<kernel_shape=[3,3], strides=[2,2], pads=[2,2,1,2]>(x)",
        {},
        {"MAX_POOL_2D": 1, "PADV2": 1},
    ),
    "average pool": (
        "1,4,4,3",
        "y = AveragePool<kernel_shape=[2,2], strides=[2,2]>(x)",
        {},
        {"DEPTHWISE_CONV_2D": 1},
    ),
    "average pool over the pixels inside": (
        "1,4,9,7",
        f"y = AveragePool<kernel_shape=[3,3], {SAME}>(x)",
        {},
        {"AVERAGE_POOL_2D": 1},
    ),
    "average pool over the pixels inside, of windows that SAME places elsewhere": (
        "1,4,3,3",
        "y = AveragePool<kernel_shape=[3,3], strides=[3,3], pads=[1,1,1,1]>(x)",
        {},
        {"AVERAGE_POOL_2D": 1, "STRIDED_SLICE": 1},
    ),
    "average pool over the pixels inside, padded on one side": (
        "1,4,4,3",
        "y = AveragePool<kernel_shape=[4,4], strides=[2,2], pads=[1,1,1,0]>(x)",
        {},
        {"AVERAGE_POOL_2D": 1, "STRIDED_SLICE": 1},
    ),
    "channels to blocks": ("1,1,18,14", "y = DepthToSpace<blocksize=2>(x)", {}, {"DEPTH_TO_SPACE": 1}),
    "blocks to channels": (
        "1,36,3,2",
        "p = Slice(x, b, e, a) y = SpaceToDepth<blocksize=3>(p)",
        {"b": [0], "e": [6], "a": [3]},
        {"SLICE": 1, "SPACE_TO_DEPTH": 1},
    ),
    "average pool that counts its padding": (
        "1,4,9,7",
        f"y = AveragePool<kernel_shape=[3,3], count_include_pad=1, {SAME}>(x)",
        {},
        {"DEPTHWISE_CONV_2D": 1},
    ),
    "global average pool": ("1,4,1,1", "y = GlobalAveragePool(x)", {}, {"MEAN": 1}),
    "global max pool": ("1,4,1,1", "y = GlobalMaxPool(x)", {}, {"MAX_POOL_2D": 1}),
    "mean": ("1,4", "y = ReduceMean<axes=[2,3], keepdims=0>(x)", {}, {"MEAN": 1}),
    "sum": ("1,1,9,7", "y = ReduceSum(x, a)", {"a": [1]}, {"SUM": 1}),
    "max": ("1,1,9,7", "y = ReduceMax<axes=[1]>(x)", {}, {"REDUCE_MAX": 1}),
    "sum of two": ("1,4,9,7", "r = Tanh(x) y = Add(x, r)", {}, {"TANH": 1, "ADD": 1}),
    "sum, then Relu": ("1,4,9,7", "r = Tanh(x) a = Add(x, r) y = Relu(a)", {}, {"TANH": 1, "ADD": 1}),
    "difference of two": ("1,4,9,7", "r = Tanh(x) y = Sub(x, r)", {}, {"TANH": 1, "SUB": 1}),
    "product of two": ("1,4,9,7", "r = Sigmoid(x) y = Mul(x, r)", {}, {"LOGISTIC": 1, "MUL": 1}),
    "product with a gate": (
        "1,4,9,7",
        "p = GlobalAveragePool(x) r = Sigmoid(p) y = Mul(x, r)",
        {},
        {"MEAN": 1, "LOGISTIC": 1, "MUL": 1},
    ),
    "a number on top": ("1,12", "y = Add(x, t)", {"t": (1,)}, {"ADD": 1}),
    "concat": ("1,8,9,7", "r = Relu(x) y = Concat<axis=1>(x, r)", {}, {"RELU": 1, "CONCATENATION": 1}),
    "pad": ("1,4,11,10", "y = Pad(x, p)", {"p": [0, 0, 1, 2, 0, 0, 1, 1]}, {"PAD": 1}),
    "pad with a value": (
        "1,4,11,7",
        "y = Pad(x, p, f)",
        {"p": [0, 0, 1, 0, 0, 0, 1, 0], "f": 0.5},
        {"PADV2": 1},
    ),
    "mirrored pad": (
        "1,4,11,7",
        'y = Pad<mode="reflect">(x, p)',
        {"p": [0, 0, 1, 0, 0, 0, 1, 0]},
        {"MIRROR_PAD": 1},
    ),
    "slice": ("1,4,5,7", "y = Slice(x, s, e, a)", {"s": [2], "e": [7], "a": [2]}, {"SLICE": 1}),
    "strided slice": (
        "1,4,5,7",
        "y = Slice(x, s, e, a, t)",
        {"s": [0], "e": [9], "a": [2], "t": [2]},
        {"STRIDED_SLICE": 1},
    ),
    "reshape": ("1,3,4", "y = Reshape(x, s)", {"s": [1, 3, 4]}, {"RESHAPE": 1}),
    "nearest": (
        "1,4,18,14",
        'y = Resize<mode="nearest", coordinate_transformation_mode="asymmetric",'
        ' nearest_mode="floor">(x, , f)',
        {"f": 2.0},
        {"RESIZE_NEAREST_NEIGHBOR": 1},
    ),
    "bilinear": ("1,4,18,14", 'y = Resize<mode="linear">(x, , f)', {"f": 2.0}, {"RESIZE_BILINEAR": 1}),
    "softmax": ("1,12", "y = Softmax(x)", {}, {"SOFTMAX": 1}),
    "log-softmax": ("1,12", "y = LogSoftmax(x)", {}, {"LOG_SOFTMAX": 1}),
    "sigmoid": ("1,4,9,7", "y = Sigmoid(x)", {}, {"LOGISTIC": 1}),
    "tanh": ("1,4,9,7", "y = Tanh(x)", {}, {"TANH": 1}),
    "relu alone": ("1,4,9,7", "y = Relu(x)", {}, {"RELU": 1}),
    "leaky relu": ("1,4,9,7", "y = LeakyRelu<alpha=0.2>(x)", {}, {"LEAKY_RELU": 1}),
    "prelu": ("1,4,9,7", "y = PRelu(x, s)", {"s": (4, 1, 1)}, {"PRELU": 1}),
    "abs": ("1,4,9,7", "y = Abs(x)", {}, {"ABS": 1}),
    "exp": ("1,4,9,7", "y = Exp(x)", {}, {"EXP": 1}),
    "elu": ("1,4,9,7", "y = Elu(x)", {}, {"ELU": 1}),
    "hard sigmoid": ("1,4,9,7", "y = HardSigmoid(x)", {}, {"DEPTHWISE_CONV_2D": 1}),
    "dense": ("1,5", "y = Gemm<transB=1>(x, w, b)", {"w": (5, 12), "b": (5,)}, {"FULLY_CONNECTED": 1}),
    "dense, not transposed": ("1,5", "y = Gemm(x, w, b)", {"w": (12, 5), "b": (5,)}, {"FULLY_CONNECTED": 1}),
    "dense with alpha and beta": (
        "1,5",
        "y = Gemm<transB=1, alpha=0.5, beta=2.0>(x, w, b)",
        {"w": (5, 12), "b": (5,)},
        {"FULLY_CONNECTED": 1},
    ),
    "matmul": ("1,5", "y = MatMul(x, w)", {"w": (12, 5)}, {"FULLY_CONNECTED": 1}),
    "flatten and dense": (
        "1,5",
        "f = Flatten(x) y = Gemm<transB=1>(f, w)",
        {"w": (5, 252)},
        {"RESHAPE": 1, "FULLY_CONNECTED": 1},
    ),
}


OF_VECTORS = {
    *("a number on top", "dense", "dense, not transposed", "dense with alpha and beta", "log-softmax"),
    *("matmul", "reshape", "softmax"),
}


def tensors(rng, weights):
    """Draw what is a shape; lists are integers, None positive numbers."""
    drawn = {}
    for name, given in weights.items():
        if given is None:
            drawn[name] = rng.uniform(0.5, 2, 4).astype(np.float32)
        elif isinstance(given, list):
            drawn[name] = np.asarray(given, np.int64)
        elif given == 2.0:
            drawn[name] = np.asarray([1, 1, 2, 2], np.float32)
        elif isinstance(given, float):
            drawn[name] = np.asarray(given, np.float32)
        else:
            drawn[name] = rng.standard_normal(given, np.float32)
    return drawn


@pytest.mark.parametrize("name", OPERATORS)
def test_an_operator_is_int8_and_within_one_step(graph, rng, compare_steps, name):
    shape, nodes, weights, operators = OPERATORS[name]
    given = VECTOR if name in OF_VECTORS else IMAGE
    found = compare_steps(graph(f"({given}) => (float[{shape}] y) {{ {nodes} }}", **tensors(rng, weights)))
    assert found.agrees, (found.error, found.plain_error, found.response)
    assert {**operators, "QUANTIZE": 1, "DEQUANTIZE": 1}.items() <= found.operators.items()
    inner = [each for each in read_operators(found.data) if each.name not in ("QUANTIZE", "DEQUANTIZE")]
    assert {kind for each in inner for kind in each.outputs} <= {"int8"}


@pytest.mark.parametrize(
    ("name", "version"),
    [("conv", 3), ("depthwise conv", 3), ("transposed conv", 3), ("dense", 4), ("matmul", 4)],
)
def test_weights_with_one_scale_are_within_one_step(graph, rng, compare_steps, name, version):
    shape, nodes, weights, operators = OPERATORS[name]
    given = VECTOR if name in OF_VECTORS else IMAGE
    model = graph(f"({given}) => (float[{shape}] y) {{ {nodes} }}", **tensors(rng, weights))
    found = compare_steps(model, per_channel=False)
    assert found.agrees, (found.error, found.plain_error, found.response)
    versions = {each.name: each.version for each in read_operators(found.data)}
    assert {versions[code] for code in operators} == {version}


def test_weights_with_a_scale_for_each_row_need_no_version_that_old_runtimes_lack(graph, rng, compare_steps):
    model = graph(
        "(float[1,12] x) => (float[1,5] y) { y = Gemm<transB=1>(x, w) }", **tensors(rng, {"w": (5, 12)})
    )
    found = [each for each in read_operators(compare_steps(model).data) if each.name == "FULLY_CONNECTED"]
    assert [each.version for each in found] == [5]
