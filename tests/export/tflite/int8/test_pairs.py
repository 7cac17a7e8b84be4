"""How pairs are read: foreign quantizers' forms, what is handed on, and what is refused."""

import numpy as np
import onnx_ir as ir
import pytest

from edgecnn.export.tflite import UnsupportedOperatorError, check_grids, count_operators, lower, write
from edgecnn.runtime.litert_runner import LitertRunner
from edgecnn.runtime.onnx_runner import OnnxRunner

from .conftest import quantize_graph

INT8 = {"s": np.float32(0.05), "z": np.int8(-3)}
PAIR = "{0}q = QuantizeLinear({0}, s, z) {0}d = DequantizeLinear({0}q, s, z)"


def paired(graph, nodes, result="float[1,C,H,W] y", **weights):
    ends = "q = QuantizeLinear(o, s, z) y = DequantizeLinear(q, s, z)"
    text = f"(float[1,4,6,6] x) => ({result}) {{ {PAIR.format('x')} {nodes} {ends} }}"
    return graph(text, **INT8, **weights)


def both(model, shape=(3, 4, 6, 6)):
    batch = np.random.default_rng(0).standard_normal(shape, np.float32)
    return OnnxRunner(model, optimize=False)(batch), LitertRunner(write(model))(batch)


HANDED_ON = {
    "up, through views": (
        "p = GlobalAveragePool(xd) o = Flatten(p)",
        "float[1,4] y",
        {"MEAN": 1, "RESHAPE": 1},
    ),
    "up, through an activation": (
        "m = MaxPool<kernel_shape=[2,2]>(xd) o = Relu(m)",
        "float[1,4,5,5] y",
        {"MAX_POOL_2D": 1},
    ),
    "down, through a pool": (
        "m = MaxPool<kernel_shape=[2,2]>(xd) o = GlobalAveragePool(m)",
        "float[1,4,1,1] y",
        {"MAX_POOL_2D": 1, "MEAN": 1},
    ),
    "down, to a concatenation": (
        "m = MaxPool<kernel_shape=[1,1]>(xd) o = Concat<axis=1>(xd, m)",
        "float[1,8,6,6] y",
        {"CONCATENATION": 1, "MAX_POOL_2D": 1},
    ),
    "from a pair to a pair": ("o = Identity(xd)", "float[1,4,6,6] y", {}),
}


@pytest.mark.parametrize("case", HANDED_ON.values(), ids=HANDED_ON)
def test_what_commutes_with_quantization_hands_it_on(graph, case):
    nodes, result, operators = case
    model = paired(graph, nodes, result=result)
    assert count_operators(write(model)) == {"QUANTIZE": 1, "DEQUANTIZE": 1} | operators
    onnx, litert = both(model)
    assert np.abs(onnx - litert).max() < 0.05 * 1.01


def test_inputs_of_a_concatenation_are_brought_to_its_scale(graph):
    nodes = """m = Abs(xd)  mq = QuantizeLinear(m, s2, z2)  md = DequantizeLinear(mq, s2, z2)
      o = Concat<axis=1>(xd, md)"""
    model = paired(graph, nodes, s2=np.float32(0.02), z2=np.int8(-128))
    assert count_operators(write(model)) == {"ABS": 1, "CONCATENATION": 1, "DEQUANTIZE": 1, "QUANTIZE": 2}
    onnx, litert = both(model)
    assert np.abs(onnx - litert).max() < 0.05 * 1.01


@pytest.mark.parametrize("bound", [2.5, 20.0], ids=["within the range", "beyond it"])
def test_a_clip_at_another_bound_takes_an_operator_only_within_the_range(graph, normal, bound):
    nodes = "c = Conv(xd, w) o = Clip(c, low, high)"
    limits = {"low": np.float32(0), "high": np.float32(bound)}
    model = paired(graph, nodes, w=normal(4, 4, 1, 1), **limits)
    model = quantize_graph(model, np.zeros((1, 4, 6, 6), np.float32), activations=False)
    operators = count_operators(write(model))
    inner = {"CONV_2D": 1, "MAXIMUM": 1, "MINIMUM": 1} if bound < 6 else {"CONV_2D": 1}
    assert operators == {"QUANTIZE": 1, "DEQUANTIZE": 1} | inner
    onnx, litert = both(model)
    assert np.abs(onnx - litert).max() < 0.05 * 1.01


def foreign(graph, normal):
    """A graph as ONNX Runtime writes it: uint8 activations, int8 weights and int32 biases stored."""
    body = """(float[1,4,6,6] x) => (float[1,5,6,6] y) {
      xq = QuantizeLinear(x, s, z)  xd = DequantizeLinear(xq, s, z)
      wd = DequantizeLinear<axis=0>(w, ws, wz)  bd = DequantizeLinear<axis=0>(b, bs, bz)
      c = Conv(xd, wd, bd)  r = Relu(c)  rq = QuantizeLinear(r, t, u)  y = DequantizeLinear(rq, t, u) }"""
    scales = np.full(5, 0.01, np.float32)
    return graph(
        body,
        s=np.float32(0.05),
        z=np.uint8(120),
        w=np.clip(normal(5, 4, 1, 1) * 50, -127, 127).astype(np.int8),
        ws=scales,
        wz=np.zeros(5, np.int8),
        b=(normal(5) * 500).astype(np.int32),
        bs=scales * np.float32(0.05),
        bz=np.zeros(5, np.int32),
        t=np.float32(0.02),
        u=np.uint8(0),
    )


def test_a_graph_of_another_quantizer_is_carried_over(graph, normal):
    model = foreign(graph, normal)
    program = lower(model)
    (bias,) = [tensor for tensor in program.tensors if tensor.dtype == np.int32]
    np.testing.assert_array_equal(bias.data, model.graph.initializers["b"].const_value.numpy())
    (result,) = [tensor for tensor in program.tensors if tensor.name == "r"]
    assert result.quantization.zero_point == -128  # uint8's 0
    check_grids(model, write(model))
    onnx, litert = both(model)
    assert np.abs(onnx - litert).max() < 0.02 * 1.01


CHANNELS = np.full(4, 0.1, np.float32)


@pytest.mark.parametrize(
    ("scale", "zero_point", "message"),
    [
        (np.float32(0), np.int8(0), "its scale is not constant and positive"),
        (np.float32("nan"), np.int8(0), "its scale is not constant and positive"),
        (CHANNELS, np.zeros(4, np.int8), "quantizes an activation by channel"),
        (CHANNELS, np.arange(4).astype(np.int8), "zero points differ by channel"),
    ],
    ids=["zero", "not a number", "by channel", "by channel, asymmetric"],
)
def test_pairs_that_have_no_form_in_the_file_are_refused(graph, scale, zero_point, message):
    body = f"(float[1,4,6,6] x) => (float[1,4,6,6] xd) {{ {PAIR.format('x')} }}"
    with pytest.raises(UnsupportedOperatorError, match=message):
        write(graph(body, s=scale, z=zero_point))


def test_a_zero_point_of_another_type_is_refused(graph):
    body = """(float[1,4] x) => (float[1,4] y) {
      q = QuantizeLinear(x, s, z) y = DequantizeLinear(q, s, z) }"""
    model = graph(body, s=np.float32(0.1), z=np.int8(0))
    model.graph.initializers["z"].const_value = ir.tensor(np.int16(0), name="z")
    with pytest.raises(UnsupportedOperatorError, match="its zero point is int16; only 8-bit"):
        write(model)


def test_a_bias_too_large_for_int32_makes_its_channel_coarser(graph, normal):
    weights = normal(3, 4, 1, 1)
    weights[1] *= 1e-8
    weights[2] = 0
    body = "(float[1,4,6,6] x) => (float[1,3,6,6] y) { y = Conv(x, w, b) }"
    batch = normal(4, 4, 6, 6)
    model = quantize_graph(graph(body, w=weights, b=np.float32([1, 2, -3])), batch)
    found = {tensor.name: tensor for tensor in lower(model).tensors}
    asked = model.graph.initializers["w.scale"].const_value.numpy()
    got = np.float32(found["w"].quantization.scale)
    assert got[0] == asked[0]
    assert (got[1:] > 10 * asked[1:]).all()
    assert np.abs(found["b"].data).max() <= 2**30
    check_grids(model, write(model))
    # ONNX Runtime's optimizations let such a bias overflow and give 0.
    onnx = OnnxRunner(model, optimize=False)(batch)
    step = model.graph.initializers["y.scale"].const_value.numpy()
    assert np.abs(onnx - LitertRunner(write(model))(batch)).max() < 1.01 * step


@pytest.mark.parametrize("operator", ["Add", "PRelu"])
def test_a_paired_constant_of_an_operator_in_float_is_dequantized(graph, normal, operator):
    body = f"(float[1,4,6,6] x) => (float[1,4,6,6] y) {{ y = {operator}(x, p) }}"
    batch = normal(4, 4, 6, 6)
    shape = (1, 4, 6, 6) if operator == "Add" else (4, 1, 1)
    model = quantize_graph(graph(body, p=normal(*shape)), batch, activations=False)
    data = write(model)
    assert count_operators(data) == {operator.upper(): 1, "DEQUANTIZE": 1}
    np.testing.assert_allclose(LitertRunner(data)(batch), OnnxRunner(model)(batch), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("nodes", "weight", "message"),
    [
        ("y = Gemm<transB=1, alpha=-1.0>(x, w)", np.int8([[1, 2, 3, 4]]), "a scale cannot take in alpha=-1"),
        ("y = Gemm<transB=1>(x, w)", np.int8([[1, 2, 3, -128]]), "its int8 weight has a -128"),
    ],
    ids=["negative alpha", "-128"],
)
def test_weights_that_kernels_do_not_take_are_refused(graph, nodes, weight, message):
    body = f"""(float[1,4] x0) => (float[1,1] z) {{
      xq = QuantizeLinear(x0, s, i)  x = DequantizeLinear(xq, s, i)  w = DequantizeLinear(v, s, i)
      {nodes}  yq = QuantizeLinear(y, s, i)  z = DequantizeLinear(yq, s, i) }}"""
    with pytest.raises(UnsupportedOperatorError, match=message):
        write(graph(body, s=np.float32(0.1), i=np.int8(0), v=weight))
