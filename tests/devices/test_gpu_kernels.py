"""The kernels of a graph: what is fused into which, and the bytes that each moves."""

import re

import numpy as np
import onnx_ir as ir
import pytest

from edgecnn.devices.gpu_kernels import kernels_of
from edgecnn.graph import shapes

SHAPES = {
    "w": (8, 8, 1, 1),
    "d": (8, 1, 3, 3),
    "g": (8, 4, 3, 3),
    "m": (288, 5),
    "t": (8, 3, 2, 2),
    "v": (8,),
}
MAP = 8 * 6 * 6  # elements of x, and of every map of its shape
THREE = "kernel_shape = [3, 3], pads = [1, 1, 1, 1]"


def graph(nodes, *, result="float[1, 8, 6, 6]"):
    """Return the kernels of nodes from x to y; one letter is a weight, s and z are of pairs."""
    tensors = [ir.tensor(np.ones(shape, np.float32), name=name) for name, shape in SHAPES.items()]
    tensors += [ir.tensor(np.float32(0.5), name="s"), ir.tensor(np.int8(0), name="z")]
    text = f'<ir_version: 7, opset_import: ["" : 13]> net (float[1, 8, 6, 6] x) => ({result} y) {{ {nodes} }}'
    used = [tensor for tensor in tensors if re.search(rf"[ (]{tensor.name}[,)]", nodes)]
    return kernels_of(shapes.infer(ir.from_onnx_text(text, initializers=used)))


def kinds(nodes, **more):
    return [kernel.kind for kernel in graph(nodes, **more).kernels]


@pytest.mark.parametrize(
    ("nodes", "found"),
    [
        ("a = Conv(x, w) b = BatchNormalization(a, v, v, v, v) y = Relu(b)",
         ["Conv 1x1 + BatchNormalization + Relu"]),
        ("a = Conv(x, w) b = Add(a, x) y = Relu(b)", ["Conv 1x1 + Add + Relu"]),
        ("a = Conv(x, w) b = Conv(x, w) y = Add(a, b)", ["Conv 1x1", "Conv 1x1 + Add"]),
        ("a = Conv(x, w) b = Sigmoid(a) y = Mul(a, b)", ["Conv 1x1 + Sigmoid + Mul"]),
        ("a = Conv(x, w) b = Relu(a) c = MaxPool<kernel_shape = [1, 1]>(b) y = Add(b, c)",
         ["Conv 1x1 + Relu", "MaxPool", "Add"]),
        ("a = GlobalAveragePool(x) b = Conv(a, w) c = Sigmoid(b) y = Mul(x, c)",
         ["GlobalAveragePool", "Conv 1x1 + Sigmoid", "Mul"]),
        ("a = Mul(x, x) b = Relu(a) y = Tanh(b)", ["Mul + Relu + Tanh"]),
        ("a = Identity(x) b = Conv(a, w) y = Dropout(b)", ["Conv 1x1"]),
        ("a = Softmax(x) y = Relu(a)", ["Softmax", "Relu"]),
    ],
    ids=[
        "normalization and activation", "a residual", "what comes later takes the sum", "swish",
        "read twice", "a gate of another size", "pointwise ones", "views are none", "a softmax takes none",
    ],
)  # fmt: skip
def test_what_is_fused(nodes, found):
    assert kinds(nodes) == found


def test_bytes_are_those_of_what_is_read_and_written_once():
    (kernel,) = graph("a = Conv(x, w) b = Add(a, x) y = Relu(b)").kernels
    assert kernel.moved_bytes == (MAP + MAP) * 4  # x, which is read as image and residual, and y
    assert kernel.weight_bytes == 8 * 8 * 4


def test_the_ends_are_copied():
    found = graph("a = GlobalAveragePool(x) y = Flatten(a)", result="float[1, 8]")
    assert found.copied_bytes == (MAP + 8) * 4


INT8 = (
    "x8 = QuantizeLinear(x, s, z) b = DequantizeLinear(x8, s, z) w8 = QuantizeLinear(w, s, z)"
    " c = DequantizeLinear(w8, s, z) e = Conv(b, c) f = Relu(e)"
    " f8 = QuantizeLinear(f, s, z) i = DequantizeLinear(f8, s, z)"
)


def test_pairs_make_what_is_between_them_int8():
    first, inner, last = graph(f"{INT8} y = Conv(i, c)").kernels
    assert (first.kind, first.moved_bytes) == ("QuantizeLinear", MAP * 4 + MAP)
    assert (inner.kind, inner.moved_bytes, inner.weight_bytes) == ("Conv 1x1 + Relu", MAP + MAP, 64)
    assert (last.kind, last.moved_bytes) == ("Conv 1x1", MAP + MAP * 4)


def test_what_gives_int8_on_is_int8():
    pooled = INT8.replace(
        "f8 = QuantizeLinear(f,", "p = MaxPool<kernel_shape = [1, 1]>(f) f8 = QuantizeLinear(p,"
    )
    kernels = graph(f"{pooled} y = Conv(i, c)").kernels
    assert [(kernel.family, kernel.moved_bytes) for kernel in kernels[1:3]] == [
        ("convolution", 2 * MAP), ("pooling", 2 * MAP),
    ]  # fmt: skip


def test_a_layer_that_int8_left_in_float_is_told_apart():
    families = [kernel.family for kernel in graph(f"{INT8} y = Conv(f, w)").kernels]
    assert families == ["pointwise", "convolution", "convolution in fp32"]


@pytest.mark.parametrize(
    ("node", "result", "expected"),
    [
        ("Conv(x, w)", "float[1, 8, 6, 6]", ("convolution", 1, 36, 8, 8, 1)),
        (f"Conv<{THREE}, group = 8>(x, d)", "float[1, 8, 6, 6]", ("depthwise convolution", 8, 36, 1, 1, 9)),
        (f"Conv<{THREE}, group = 2>(x, g)", "float[1, 8, 6, 6]", ("grouped convolution", 2, 36, 4, 4, 9)),
        # 36 input positions, each of which gives 2 x 2 outputs of 3 channels
        ("ConvTranspose<strides = [2, 2], kernel_shape = [2, 2]>(x, t)", "float[1, 3, 12, 12]",
         ("transposed convolution", 1, 36, 12, 8, 1)),
        ("AveragePool<kernel_shape = [3, 3]>(x)", "float[1, 8, 4, 4]", ("pooling", 1, 16, 8, 1, 9)),
        ("GlobalAveragePool(x)", "float[1, 8, 1, 1]", ("reduction", 1, 1, 8, 1, 1)),
        ("Concat<axis = 1>(x, x)", "float[1, 16, 6, 6]", ("Concat", 1, 36, 16, 1, 1)),
    ],
    ids=["1x1", "depthwise", "grouped", "transposed", "a pool", "a reduction", "a join"],
)  # fmt: skip
def test_how_much_a_kernel_computes(node, result, expected):
    (kernel,) = graph(f"y = {node}", result=result).kernels
    extents = (kernel.groups, kernel.positions, kernel.columns, kernel.depth, kernel.taps)
    assert (kernel.family, *extents) == expected


def test_one_row_and_one_position_are_a_matrix_times_a_vector():
    dense = graph("a = Flatten(x) y = Gemm(a, m)", result="float[1, 5]").kernels[0]
    assert (dense.family, dense.positions, dense.columns, dense.depth) == ("fully connected", 1, 5, 288)
    gate = graph("a = GlobalAveragePool(x) y = Conv(a, w)", result="float[1, 8, 1, 1]").kernels[1]
    assert (gate.family, gate.columns, gate.depth) == ("fully connected", 8, 8)
