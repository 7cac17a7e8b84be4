import math
import re

import numpy as np
import pytest

from edgecnn.export.tflite import UnsupportedOperatorError, write

PLAIN = {
    "Abs": "ABS",
    "Elu": "ELU",
    "Exp": "EXP",
    "LeakyRelu<alpha=0.2>": "LEAKY_RELU",
    "LogSoftmax<axis=1>": "LOG_SOFTMAX",
    "Neg": "NEG",
    "Relu": "RELU",
    "Sigmoid": "LOGISTIC",
    "Softmax<axis=1>": "SOFTMAX",
    "Tanh": "TANH",
}


@pytest.mark.parametrize(("operator", "code"), PLAIN.items(), ids=PLAIN)
def test_an_activation_of_an_image_is_one_operator(graph, compare, operator, code):
    found = compare(graph(f"(float[1,3,4,5] x) => (float[1,3,4,5] y) {{ y = {operator}(x) }}"))
    assert found.agrees, found.error
    assert found.operators == {code: 1}


@pytest.mark.parametrize("operator", ["Sigmoid", "Softmax", "Softmax<axis=1>"])
def test_an_activation_of_a_vector(graph, compare, operator):
    assert compare(graph(f"(float[1,9] x) => (float[1,9] y) {{ y = {operator}(x) }}")).agrees


def test_a_square_root(graph, compare):
    assert compare(graph("(float[1,9] x) => (float[1,9] y) { a = Abs(x) y = Sqrt(a) }")).agrees


def test_hard_swish(graph, compare):
    found = compare(graph("(float[1,3,4,5] x) => (float[1,3,4,5] y) { y = HardSwish(x) }", opset=14))
    assert found.agrees
    assert found.operators == {"HARD_SWISH": 1}


@pytest.mark.parametrize(
    ("attributes", "operators"),
    [("<alpha=0.16666667, beta=0.5>", {"ADD": 1, "MUL": 1}), ("", {"ADD": 1, "MUL": 2})],
    ids=["MobileNet v3's", "ONNX's default"],
)
def test_a_hard_sigmoid_is_a_scaled_relu6(graph, compare, attributes, operators):
    body = f"(float[1,3,4,5] x) => (float[1,3,4,5] y) {{ a = Mul(x, two) y = HardSigmoid{attributes}(a) }}"
    found = compare(graph(body, two=np.float32([4])))
    assert found.agrees, found.error
    assert found.operators == operators | {"MUL": operators["MUL"] + 1}


@pytest.mark.parametrize("slope", [(1,), (3, 1, 1), (1, 3, 1, 1), (3, 4, 5)], ids=str)
def test_prelu_lays_its_slope_out(graph, normal, compare, slope):
    body = "(float[1,3,4,5] x) => (float[1,3,4,5] y) { y = PRelu(x, slope) }"
    found = compare(graph(body, slope=normal(*slope)))
    assert found.agrees
    assert found.operators == {"PRELU": 1}


CLIPS = {
    (0.0, 6.0): {"RELU6": 1},
    (0.0, math.inf): {"RELU": 1},
    (-1.0, 1.0): {"RELU_N1_TO_1": 1},
    (0.0, 1.0): {"MAXIMUM": 1, "MINIMUM": 1},
    (-0.5, math.inf): {"MAXIMUM": 1},
    (-math.inf, 0.5): {"MINIMUM": 1},
}


@pytest.mark.parametrize(("bounds", "operators"), CLIPS.items(), ids=map(str, CLIPS))
def test_a_clip_is_the_shortest_equivalent(graph, compare, bounds, operators):
    low, high = np.float32(bounds)
    body = "(float[1,3,4,5] x) => (float[1,3,4,5] y) { e = Exp(x) y = Clip(e, low, high) }"
    found = compare(graph(body, low=low, high=high), shift=-1.0)
    assert found.agrees
    assert found.operators == {"EXP": 1} | operators


@pytest.mark.parametrize(
    ("inputs", "code"), [("x, zero", "RELU"), ("x, , zero", "MINIMUM"), ("x", "NEG")], ids=str
)
def test_a_clip_without_a_bound(graph, compare, inputs, code):
    bound = {"zero": np.float32(0)} if "zero" in inputs else {}
    body = f"(float[1,3,4,5] x) => (float[1,3,4,5] y) {{ y = Clip({inputs}) }}"
    if not bound:
        body = body.replace("{ y = Clip(x)", "{ n = Neg(x) y = Clip(n)")
    found = compare(graph(body, **bound))
    assert found.error == 0
    assert found.operators == {code: 1}


def test_a_relu_is_fused_only_where_nobody_else_reads_its_input(graph, normal, compare):
    body = "(float[1,3,4,5] x) => (float[1,3,4,5] y) { c = Conv(x, w) r = Relu(c) y = Add(c, r) }"
    found = compare(graph(body, w=normal(3, 3, 1, 1)))
    assert found.agrees
    assert found.operators == {"ADD": 1, "CONV_2D": 1, "RELU": 1}


LAYERS = {
    "Conv(x, w)": "CONV_2D",
    "Add(x, x)": "ADD",
    "MaxPool<kernel_shape=[1,1]>(x)": "MAX_POOL_2D",
    "AveragePool<kernel_shape=[1,1]>(x)": "AVERAGE_POOL_2D",
    "BatchNormalization(x, g, g, g, v)": "DEPTHWISE_CONV_2D",
}


@pytest.mark.parametrize(("layer", "code"), LAYERS.items(), ids=LAYERS.values())
@pytest.mark.parametrize("activation", ["Relu(a)", "Clip(a, low, high)"])
def test_an_activation_is_fused_into_the_operator_before_it(graph, normal, compare, layer, code, activation):
    body = f"(float[1,3,4,5] x) => (float[1,3,4,5] y) {{ a = {layer} y = {activation} }}"
    weights = {"w": normal(3, 3, 1, 1), "g": normal(3), "v": np.ones(3, np.float32)}
    bounds = {"low": np.float32(0), "high": np.float32(6)}
    read = set(re.findall(r"\w+", f"{layer} {activation}"))
    used = {name: array for name, array in (weights | bounds).items() if name in read}
    found = compare(graph(body, **used))
    assert found.agrees
    assert found.operators == {code: 1}


@pytest.mark.parametrize(
    ("node", "reason"),
    [
        ("Elu<alpha=0.5>(x)", "alpha 1"),
        ("Clip(x, x)", "bound 'x' is not a constant"),
        ("PRelu(x, x)", "not a constant"),
        ("Softmax<axis=2>(x)", "another order"),
        ("Selu(x)", "does not know this operator"),
        ("HardSigmoid<gamma=1.0>(x)", "attribute gamma"),
    ],
)
def test_other_activations_are_refused(graph, node, reason):
    with pytest.raises(UnsupportedOperatorError, match=reason):
        write(graph(f"(float[1,3,4,5] x) => (float[1,3,4,5] y) {{ y = {node} }}"))
