import numpy as np
import pytest

from edgecnn.export.tflite import UnsupportedOperatorError, write


@pytest.mark.parametrize("shape", [(), (1,), (5,), (4, 1), (3, 1, 1), (1, 3, 1, 1), (3, 4, 5)], ids=str)
@pytest.mark.parametrize("node", ["Add(x, k)", "Sub(k, x)", "Sub(x, k)", "Mul(k, x)", "Div(x, k)"])
def test_a_constant_broadcasts_as_in_onnx(graph, normal, compare, node, shape):
    body = f"(float[1,3,4,5] x) => (float[1,3,4,5] y) {{ y = {node} }}"
    found = compare(graph(body, k=np.abs(normal(*shape)) + np.float32(0.5)))
    assert found.agrees, found.error
    assert found.operators == {{"A": "ADD", "S": "SUB", "M": "MUL", "D": "DIV"}[node[0]]: 1}


def test_a_gate_broadcasts_over_an_image(graph, normal, compare):
    body = """(float[1,3,4,5] x) => (float[1,3,4,5] y) {
      p = GlobalAveragePool(x)  c = Conv(p, w)  s = Sigmoid(c)  y = Mul(x, s) }"""
    assert compare(graph(body, w=normal(3, 3, 1, 1))).agrees


def test_a_gate_through_vectors_broadcasts_too(graph, normal, compare):
    body = """(float[1,3,4,5] x) => (float[1,3,4,5] y) {
      p = GlobalAveragePool(x)  f = Flatten(p)  g = Gemm(f, w)  s = Sigmoid(g)  r = Reshape(s, shape)
      y = Mul(r, x) }"""
    assert compare(graph(body, w=normal(3, 3), shape=np.asarray([1, -1, 1, 1]))).agrees


def test_a_decomposed_hard_swish(graph, compare):
    body = """(float[1,3,4,5] x) => (float[1,3,4,5] y) {
      a = Add(x, three)  c = Clip(a, zero, six)  m = Mul(x, c)  y = Div(m, six) }"""
    found = compare(graph(body, three=np.float32(3), zero=np.float32(0), six=np.float32(6)))
    assert found.agrees
    assert found.operators == {"ADD": 1, "DIV": 1, "MUL": 1}


@pytest.mark.parametrize("scale", [(3, 1, 1), (1, 3, 1, 1), (1,)], ids=str)
def test_a_scale_and_shift_of_the_channels_is_one_operator(graph, normal, compare, scale):
    body = "(float[1,3,4,5] x) => (float[1,3,4,5] y) { m = Mul(scale, x)  a = Add(m, shift)  y = Relu(a) }"
    found = compare(graph(body, scale=normal(*scale), shift=normal(3, 1, 1)))
    assert found.agrees, found.error
    assert found.operators == {"DEPTHWISE_CONV_2D": 1}


@pytest.mark.parametrize(
    ("scale", "shift"), [((3, 4, 5), (3, 1, 1)), ((3, 1, 1), (5,)), ((3, 1, 1), (2, 3, 1, 1))], ids=str
)
def test_another_scale_or_shift_stays_two_operators(graph, normal, compare, scale, shift):
    batch = shift[0] if len(shift) == 4 else 1
    body = f"(float[1,3,4,5] x) => (float[{batch},3,4,5] y) {{ m = Mul(x, scale)  y = Add(m, shift) }}"
    found = compare(graph(body, scale=normal(*scale), shift=normal(*shift)))
    assert found.agrees
    assert found.operators == {"ADD": 1, "MUL": 1}


def test_a_scaled_value_that_is_read_twice_stays(graph, normal, compare):
    body = "(float[1,3,4,5] x) => (float[1,3,4,5] y) { m = Mul(x, k) a = Add(m, k) y = Sub(a, m) }"
    found = compare(graph(body, k=normal(3, 1, 1)))
    assert found.agrees
    assert found.operators == {"ADD": 1, "MUL": 1, "SUB": 1}


def test_different_numbers_of_axes_are_refused(graph):
    body = "(float[1,3,4,5] x, float[4,5] z) => (float[1,3,4,5] y) { y = Add(x, z) }"
    with pytest.raises(UnsupportedOperatorError, match=r"Add node 'y'.*laid out differently"):
        write(graph(body))


def test_constants_alone_are_refused(graph, normal):
    body = "(float[1,3] x) => (float[1,3] y) { a = Add(k, k) y = Add(a, x) }"
    with pytest.raises(UnsupportedOperatorError, match="both inputs are constants; fold"):
        write(graph(body, k=normal(3)))
