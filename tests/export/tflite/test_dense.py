import numpy as np
import pytest

from edgecnn.export.tflite import UnsupportedOperatorError, read_operators, write


def test_gemm_with_every_attribute(graph, normal, compare):
    body = "(float[1,6] x) => (float[1,4] y) { y = Gemm<alpha=0.5, beta=2.0, transB=1>(x, w, b) }"
    found = compare(graph(body, w=normal(4, 6), b=normal(4)))
    assert found.agrees
    assert found.operators == {"FULLY_CONNECTED": 1}


@pytest.mark.parametrize("bias", [(), (1,), (4,), (1, 4)], ids=str)
def test_gemm_takes_any_bias_that_broadcasts_to_one_row(graph, normal, compare, bias):
    body = "(float[1,6] x) => (float[1,4] y) { y = Gemm(x, w, b) }"
    assert compare(graph(body, w=normal(6, 4), b=normal(*bias))).agrees


def test_gemm_without_bias(graph, normal, compare):
    assert compare(graph("(float[1,6] x) => (float[1,4] y) { y = Gemm(x, w) }", w=normal(6, 4))).agrees


@pytest.mark.parametrize(("leading", "version"), [("1", 1), ("1,3", 5), ("1,1,3", 5)])
def test_matmul_keeps_the_leading_axes(graph, normal, compare, leading, version):
    body = f"(float[1,6] a) => (float[{leading},4] y) {{ x = Reshape(a, s) y = MatMul(x, w) }}"
    shape = [int(size) for size in leading.split(",")]
    rows = int(np.prod(shape))
    body = body.replace("float[1,6] a", f"float[1,{rows * 6}] a")
    found = compare(graph(body, s=np.asarray([*shape, 6]), w=normal(6, 4)))
    assert found.agrees
    versions = {operator.name: operator.version for operator in read_operators(found.data)}
    assert versions["FULLY_CONNECTED"] == version


def test_a_flattened_image_permutes_the_columns_and_nothing_else(graph, normal, compare):
    body = """(float[1,3,4,5] x) => (float[1,7] y) {
      f = Flatten(x)  r = Relu(f)  y = Gemm<transB=1>(r, w, b) }"""
    found = compare(graph(body, w=normal(7, 60), b=normal(7)))
    assert found.agrees, found.error
    assert found.operators == {"FULLY_CONNECTED": 1, "RELU": 1, "RESHAPE": 1}


def test_a_flattened_pooled_vector_needs_no_permutation(graph, normal, compare):
    body = """(float[1,3,4,5] x) => (float[1,7] y) {
      p = GlobalAveragePool(x)  f = Flatten(p)  y = Gemm<transB=1>(f, w) }"""
    found = compare(graph(body, w=normal(7, 3)))
    assert found.agrees
    assert found.operators == {"FULLY_CONNECTED": 1, "MEAN": 1, "RESHAPE": 1}


def test_two_flattened_images_and_a_vector_joined(graph, normal, compare):
    body = """(float[1,2,3,4] x) => (float[1,5] y) {
      a = Flatten(x)  c = Conv(x, k)  b = Flatten(c)  p = GlobalMaxPool(x)  d = Flatten(p)
      j = Concat<axis=1>(a, d, b)  n = Mul(j, scale)  y = Gemm(n, w) }"""
    features = 2 * 3 * 4 + 2 + 3 * 2 * 3
    weights = {"k": normal(3, 2, 2, 2), "scale": normal(features), "w": normal(features, 5)}
    found = compare(graph(body, **weights))
    assert found.agrees, found.error
    assert found.operators["FULLY_CONNECTED"] == 1


def test_one_weight_behind_two_layouts_is_two_constants(graph, normal, compare):
    # Images of 4 x 6 x 30 and 6 x 4 x 30 have equally many features, in different orders.
    body = """(float[1,4,6,30] x) => (float[1,32] y) {
      a = Flatten(x)  c = Conv(x, k)  b = Flatten(c)
      u = Gemm(a, w)  v = Gemm<alpha=0.5>(b, w)  y = Add(u, v) }"""
    found = compare(graph(body, k=normal(6, 4, 3, 1), w=normal(4 * 6 * 30, 32)))
    assert found.agrees, found.error


@pytest.mark.parametrize(
    ("node", "reason"),
    [
        ("Gemm<transA=1>(r, w)", "transA"),
        ("Gemm(r, r)", "not a constant"),
        ("Gemm(r, w, long)", r"bias has the shape \(2, 1\)"),
    ],
    ids=["transA", "computed weight", "column bias"],
)
def test_other_gemms_are_refused(graph, normal, node, reason):
    body = f"(float[2,2] x) => (float[2,2] y) {{ r = Add(x, w) s = Add(x, long) y = {node} }}"
    with pytest.raises(UnsupportedOperatorError, match=reason):
        write(graph(body, w=normal(2, 2), long=normal(2, 1)))


def test_the_comparison_sees_unpermuted_columns(graph, normal, compare):
    body = "(float[1,3,4,5] x) => (float[1,7] y) { f = Flatten(x)  y = Gemm<transB=1>(f, w) }"
    w = normal(7, 60)
    swapped = np.ascontiguousarray(w.reshape(7, 3, 4, 5).transpose(0, 2, 3, 1).reshape(7, 60))
    assert not compare(graph(body, w=w), of=graph(body, w=swapped)).agrees
