"""Each operator couples its channels so that what is cut computes what the silenced graph computes."""

import numpy as np
import pytest

from edgecnn.errors import EdgeCnnError
from edgecnn.export.parity import compare
from edgecnn.graph.check import check
from edgecnn.quantize.dependency import cut, trace
from edgecnn.runtime.onnx_runner import OnnxRunner

from .cutting import silenced, some

W = {
    "w": (8, 4, 3, 3),
    "v": (5, 8, 1, 1),
    "u": (8, 8, 1, 1),
    "g": (8, 4, 1, 1),
    "h": (8, 2, 1, 1),
    "d": (8, 1, 3, 3),
    "e": (16, 1, 1, 1),
    "t": (8, 6, 2, 2),
    "o": (8, 3, 2, 2),
    "m": (8, 1, 2, 2),
    "k": (4, 8, 1, 1),
    "f": (8 * 36, 5),
    "r": (8, 5),
    "b": (5,),
    "c": (8, 1, 1),
    "s": (8,),
    "q": (5, 16, 1, 1),
    "p": (5, 10, 1, 1),
    "z": (5, 6, 1, 1),
    "a": (5, 3, 1, 1),
    "n": (5, 4, 1, 1),
    "y2": (5, 2, 1, 1),
}
V = {"var": np.full(8, 0.7, np.float32)}


def ints(*items):
    return np.array(items, np.int64)


CASES = {
    "Conv": "{ a1 = Relu(c1) y = Conv(a1, v, b) }",
    "grouped Conv": "{ a1 = Conv<group = 2>(c1, g) y = Conv(a1, v) }",
    "depthwise Conv": "{ a1 = Conv<group = 8>(c1, d) y = Conv(a1, v) }",
    "depthwise Conv of two each": "{ a1 = Conv<group = 8>(c1, e) y = Conv(a1, q) }",
    "ConvTranspose": "{ a1 = ConvTranspose(c1, t) y = Conv(a1, z) }",
    "grouped ConvTranspose": "{ a1 = ConvTranspose<group = 2>(c1, o) y = Conv(a1, z) }",
    "depthwise ConvTranspose": "{ a1 = ConvTranspose<group = 8>(c1, m) y = Conv(a1, v) }",
    "Add": "{ a1 = Conv(c1, u) a2 = Add(c1, a1) y = Conv(a2, v) }",
    "a shared weight": "{ a1 = Conv(c1, u) a2 = Conv(a1, u) y = Conv(a2, v) }",
    "Concat": "{ a1 = Conv(c1, u) a2 = Concat<axis = 1>(c1, a1) y = Conv(a2, q) }",
    "Split": "{ a1, a2 = Split<axis = 1>(c1, i35) a3 = Conv(a1, a) a4 = Conv(a2, b5) y = Add(a3, a4) }",
    "Split in halves": "{ a1, a2 = Split<axis = 1>(c1) a3 = Conv(a1, n) a4 = Conv(a2, n) y = Add(a3, a4) }",
    "Slice": "{ a1 = Slice(c1, i2, i8, i1) y = Conv(a1, z) }",
    "Slice with a step": "{ a1 = Slice(c1, i0, i8, i1, i2) y = Conv(a1, n) }",
    "a crop": "{ a1 = Slice(c1, i2, i8, i3) y = Conv(a1, v) }",
    "Pad of channels": "{ a1 = Pad(c1, pads) a2 = Conv(c1, w10) a3 = Add(a1, a2) y = Conv(a3, p) }",
    "Pad of the map": "{ a1 = Pad(c1, border) y = Conv(a1, v) }",
    "Flatten": "{ a1 = Flatten(c1) y = Gemm(a1, f, b) }",
    "Flatten and MatMul": "{ a1 = Flatten(c1) a2 = MatMul(a1, f) y = Add(a2, b) }",
    "Reshape": "{ a1 = Reshape(c1, flat) y = Gemm(a1, f, b) }",
    "Transpose before Flatten": "{ a1 = Transpose<perm = [0, 2, 3, 1]>(c1) a2 = Flatten(a1)"
    " y = Gemm(a2, f) }",
    "pooling": "{ a1 = GlobalAveragePool(c1) a2 = Flatten(a1) y = Gemm(a2, r) }",
    "ReduceMean": "{ a1 = ReduceMean<axes = [2, 3], keepdims = 0>(c1) y = Gemm(a1, r) }",
    "ReduceMean over channels": "{ a1 = ReduceMean<axes = [1]>(c1) a2 = Mul(c1, a1) y = Conv(a2, v) }",
    "ReduceSum over channels": "{ a1 = ReduceSum(c1, i1) a2 = Mul(c1, a1) y = Conv(a2, v) }",
    "squeeze and excitation": "{ a1 = GlobalAveragePool(c1) a2 = Conv(a1, k) a3 = Relu(a2) a4 = Conv(a3, g8)"
    " a5 = Sigmoid(a4) a6 = Mul(c1, a5) y = Conv(a6, v) }",
    "channel shuffle": "{ a1 = Reshape(c1, five) a2 = Transpose<perm = [0, 2, 1, 3, 4]>(a1)"
    " a3 = Reshape(a2, four) y = Conv(a3, v) }",
    "shuffle between groups": "{ a0 = Conv<group = 2>(c1, g) a1 = Reshape(a0, five)"
    " a2 = Transpose<perm = [0, 2, 1, 3, 4]>(a1) a3 = Reshape(a2, four) a4 = Conv<group = 2>(a3, g)"
    " y = Conv(a4, v) }",
    "Gather": "{ a1 = Gather<axis = 1>(c1, order) y = Conv(a1, v) }",
    "BatchNormalization": "{ a1 = BatchNormalization(c1, s, s, s, var) a2 = Relu(a1) y = Conv(a2, v) }",
    "PRelu": "{ a1 = PRelu(c1, c) y = Conv(a1, v) }",
    "a scale of each channel": "{ a1 = Mul(c1, c) y = Conv(a1, v) }",
    "Resize": "{ a1 = Resize(c1, , , sizes) y = Conv(a1, v) }",
    "Softmax over channels": "{ a1 = Softmax<axis = 1>(c1) y = Conv(a1, v) }",
    "DepthToSpace": "{ a1 = DepthToSpace<blocksize = 2>(c1) y = Conv(a1, y2) }",
    "SpaceToDepth": "{ a1 = SpaceToDepth<blocksize = 2>(c1) y = Conv(a1, w32) }",
    "Tile": "{ a1 = Tile(c1, twice) y = Conv(a1, q) }",
    "Squeeze and Unsqueeze": "{ a0 = GlobalAveragePool(c1) a1 = Squeeze(a0, i3) a2 = Unsqueeze(a1, i3)"
    " y = Conv(a2, v) }",
    "Expand": "{ a0 = GlobalAveragePool(c1) a1 = Expand(a0, full) y = Conv(a1, v) }",
}
SETTINGS = {
    "b5": (5, 5, 1, 1),
    "w10": (10, 8, 1, 1),
    "g8": (8, 4, 1, 1),
    "w32": (5, 32, 1, 1),
    "i35": ints(3, 5),
    "i0": ints(0),
    "i1": ints(1),
    "i2": ints(2),
    "i3": ints(3),
    "i8": ints(8),
    "pads": ints(0, 1, 0, 0, 0, 1, 0, 0),
    "border": ints(0, 0, 1, 1, 0, 0, 1, 1),
    "flat": ints(1, -1),
    "five": ints(1, 2, 4, 6, 6),
    "four": ints(1, 8, 6, 6),
    "order": ints(3, 1, 0, 2, 7, 6, 5, 4),
    "sizes": ints(1, 8, 12, 12),
    "twice": ints(1, 2, 1, 1),
    "full": ints(1, 8, 6, 6),
}
# Here nothing may go: what is divided by, or counted over, all channels needs all of them.
WHOLE = {"ReduceMean over channels", "Softmax over channels", "Slice with a step"}


@pytest.fixture
def model_of(graph):
    return lambda body: graph("{ c1 = Conv(x, w)" + body[1:], **W, **V, **SETTINGS)


@pytest.mark.parametrize("name", CASES)
def test_what_is_cut_computes_what_the_silenced_graph_computes(name, model_of):
    model = model_of(CASES[name])
    found = trace(model)
    kept = some(found)
    assert kept.all() == (name in WHOLE)
    small = cut(found, kept)
    check(small)
    images = np.random.default_rng(1).standard_normal((2, 4, 8, 8), np.float32)
    expected = OnnxRunner(silenced(found, kept), optimize=False)(images)
    assert compare(name, expected, OnnxRunner(small, optimize=False)(images), 1e-5).holds


def test_an_operator_without_a_rule_is_refused_by_name(model_of):
    model = model_of("{ a1 = CumSum(c1, i1) y = Conv(a1, v) }")
    with pytest.raises(EdgeCnnError, match="CumSum node 'cumsum1'"):
        trace(model)


def test_a_quantized_graph_is_refused(graph):
    model = graph(
        "{ a1 = QuantizeLinear(x, one) a2 = DequantizeLinear(a1, one) y = Conv(a2, n) }",
        one=np.float32(0.1),
        n=(5, 4, 1, 1),
    )
    with pytest.raises(EdgeCnnError, match="QuantizeLinear node .* quantized graph"):
        trace(model)
