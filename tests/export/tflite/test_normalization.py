import numpy as np
import pytest

from edgecnn.export.tflite import UnsupportedOperatorError, write


def batch_norm(normal, channels):
    return {
        "gamma": normal(channels),
        "beta": normal(channels),
        "mean": normal(channels),
        "var": np.abs(normal(channels)) + np.float32(0.1),
    }


def test_a_batch_normalization_of_an_image_is_one_depthwise_convolution(graph, normal, compare):
    body = """(float[1,5,4,3] x) => (float[1,5,4,3] y) {
      y = BatchNormalization<epsilon=0.001>(x, gamma, beta, mean, var) }"""
    found = compare(graph(body, **batch_norm(normal, 5)))
    assert found.agrees, found.error
    assert found.operators == {"DEPTHWISE_CONV_2D": 1}


def test_a_batch_normalization_of_a_vector(graph, normal, compare):
    body = "(float[1,5] x) => (float[1,5] y) { y = BatchNormalization(x, gamma, beta, mean, var) }"
    found = compare(graph(body, **batch_norm(normal, 5)))
    assert found.agrees
    assert found.operators == {"ADD": 1, "MUL": 1}


def test_training_mode_is_refused(graph, normal):
    body = """(float[1,5,2,2] x) => (float[1,5,2,2] y) {
      y, m, v = BatchNormalization<training_mode=1>(x, gamma, beta, mean, var) }"""
    with pytest.raises(UnsupportedOperatorError, match="training_mode=1"):
        write(graph(body, **batch_norm(normal, 5)))


@pytest.mark.parametrize("size", [1, 3, 5])
def test_local_response_normalization(graph, compare, size):
    # alpha large enough to tell alpha / n from alpha
    body = f"""(float[1,8,3,4] x) => (float[1,8,3,4] y) {{
      y = LRN<size={size}, alpha=0.9, beta=0.75, bias=2.0>(x) }}"""
    found = compare(graph(body))
    assert found.error <= 5e-6 * found.response
    assert found.operators == {"LOCAL_RESPONSE_NORMALIZATION": 1}


def test_an_even_local_response_normalization_is_refused(graph):
    body = "(float[1,8,3,4] x) => (float[1,8,3,4] y) { y = LRN<size=4>(x) }"
    with pytest.raises(UnsupportedOperatorError, match=r"LRN node 'y'.*4 channels; use an odd size"):
        write(graph(body))


def test_the_comparison_sees_an_undivided_alpha(graph, compare):
    body = "(float[1,8,3,4] x) => (float[1,8,3,4] y) { y = LRN<size=5, alpha=%s>(x) }"
    assert not compare(graph(body % 0.1), of=graph(body % 0.5)).agrees
