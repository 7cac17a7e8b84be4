"""`lint`: each rule finds what it is about, and says nothing of a graph that is right."""

import itertools

import pytest

from edgecnn.errors import UnknownNameError
from edgecnn.export.tensorrt import GENERATIONS, lint

PLAIN = """
g (float[1,3,8,8] input) => (float[1,5] output)
<float[4,3,3,3] w, float[4] b, float[5,4] fc>
{
    c = Conv <kernel_shape=[3,3], pads=[1,1,1,1]> (input, w, b)
    r = Relu(c)
    l = LRN <size=5> (r)
    g = GlobalAveragePool(l)
    f = Flatten <axis=1> (g)
    output = Gemm <transB=1> (f, fc)
}
"""

QUANTIZED = """
g (float[1,3,8,8] input) => (float[1,4,8,8] output)
<float[4,3,3,3] w, float[4] b, float s = {0.1}, int8 z = {0},
 float[4] sw = {1.0, 2.0, 3.0, 4.0}, int8[4] zw = {0, 0, 0, 0}>
{
    q = QuantizeLinear(input, s, z)
    d = DequantizeLinear(q, s, z)
    qw = QuantizeLinear <axis=0> (w, sw, zw)
    dw = DequantizeLinear <axis=0> (qw, sw, zw)
    c = Conv <kernel_shape=[3,3], pads=[1,1,1,1]> (d, dw, b)
    output = Relu(c)
}
"""


def rules(model, *versions):
    return [(each.severity, each.rule) for each in lint(model, versions or tuple(GENERATIONS))]


@pytest.mark.parametrize("text", [PLAIN, QUANTIZED], ids=["float", "int8"])
def test_a_graph_that_is_right_has_no_findings(graph, text):
    assert lint(graph(text)) == []


@pytest.mark.parametrize(
    ("opset", "versions"), [(14, ["8.2", "8.4"]), (18, ["8.2", "8.4", "8.5", "8.6"]), (8, list(GENERATIONS))]
)
def test_an_opset_that_a_version_does_not_read_is_an_error(graph, opset, versions):
    model = graph("g (float[1,4] input) => (float[1,4] output) { output = Relu(input) }", opset=opset)
    found = lint(model)
    assert [each.message.split()[1] for each in found] == versions
    assert {(each.severity, each.rule) for each in found} == {("error", "opset")}


def test_only_the_versions_asked_for_are_looked_at(graph):
    model = graph("g (float[1,4] input) => (float[1,4] output) { output = HardSwish(input) }", opset=14)
    assert rules(model, "8.5.2", "10.3.0") == []
    assert ("error", "operator") in rules(model, "8.2.1")


def test_an_unknown_version_is_answered_with_the_known_ones(graph):
    with pytest.raises(UnknownNameError, match=r"unknown TensorRT version '7\.1'"):
        lint(graph(PLAIN), ["7.1"])


HEAD = """
g (float[1,4,8,8] input) => (float[1,n,h,w] output)
<float[4,4,1,1] w, float[4] fb, int32[4] b, float[4] roi, float[4] scales = {1.0, 1.0, 2.0, 2.0},
 float s = {0.5}, float bad = {0.0}, int8 z = {0}, int8 three = {3}, uint8 u = {0}, int32 zb = {0},
 float[4] sc = {1.0, 1.0, 1.0, 1.0}, int8[4] zc = {0, 0, 0, 0}>
"""


def one(operator, inputs="input", attributes="", before=""):
    return HEAD + f"{{ {before} output = {operator} {attributes} ({inputs}) }}"


Q_ACTIVATION = "q = QuantizeLinear(input, s, z) d = DequantizeLinear(q, s, z) "
CASES = {
    "a custom operator": (one("org.example.Mine"), "operator"),
    "an operator that no version has": (one("Det"), "operator"),
    "dilated pooling": (one("MaxPool", attributes="<kernel_shape=[2,2], dilations=[2,2]>"), "pooling"),
    "cubic resizing": (one("Resize", "input, roi, scales", '<mode="cubic">'), "resize"),
    "computed weights": (one("Conv", "input, x", before="x = Relu(w)"), "convolution"),
    "float64": (
        one("Cast", "x", "<to=1>", before="x = Cast <to=11> (input)"),
        "type",
    ),
    "a zero point that is not zero": (
        one("DequantizeLinear", "q, s, three", before="q = QuantizeLinear(input, s, three)"),
        "zero point",
    ),
    "no zero point": (one("DequantizeLinear", "q, s", before="q = QuantizeLinear(input, s)"), "zero point"),
    "uint8": (one("DequantizeLinear", "q, s, u", before="q = QuantizeLinear(input, s, u)"), "zero point"),
    "a scale of zero": (
        one("DequantizeLinear", "q, bad, z", before="q = QuantizeLinear(input, bad, z)"),
        "scale",
    ),
    "an activation per channel": (
        one("DequantizeLinear", "q, sc, zc", before="q = QuantizeLinear(input, sc, zc)"),
        "granularity",
    ),
    "weights along axis 1": (
        one(
            "Conv",
            "d, dw",
            before=Q_ACTIVATION
            + "qw = QuantizeLinear <axis=1> (w, sc, zc) dw = DequantizeLinear <axis=1> (qw, sc, zc) ",
        ),
        "granularity",
    ),
    "an int32 bias": (one("Conv", "input, w, x", before="x = DequantizeLinear(b, s, zb)"), "stored type"),
    "a quantized bias": (
        one("Conv", "input, w, x", before="y = QuantizeLinear(fb, s, z) x = DequantizeLinear(y, s, z)"),
        "bias",
    ),
}


@pytest.mark.parametrize(("text", "rule"), CASES.values(), ids=CASES)
def test_what_tensorrt_refuses_or_reads_wrongly_is_an_error(graph, text, rule):
    assert ("error", rule) in rules(graph(text), "8.2.1", "10.3.0")


def test_computed_weights_are_read_from_8_5_on(graph):
    found = rules(graph(one("Conv", "input, x", before="x = Relu(w)")), "8.5.2")
    assert ("error", "convolution") not in found


def test_a_shape_that_is_not_fixed_is_an_error_that_names_the_flag(graph):
    model = graph("g (float[n,3,8,8] input) => (float[n,3,8,8] output) { output = Relu(input) }")
    found = lint(model)
    assert [each.rule for each in found] == ["static shape", "static shape"]
    assert "--input input:1x3x224x224" in found[0].message


def test_an_empty_tensor_is_an_error(graph):
    text = "g (float[1,4] input) => (float[1,4] output) <float[0] e> { output = Relu(input) y = Relu(e) }"
    assert ("error", "static shape") in rules(graph(text))


SUM = """
g (float[1,4,8,8] input) => (float[1,4,8,8] output)
<float[4,4,1,1] w, float s = {0.1}, int8 z = {0}>
{
    c = Conv(input, w)
    q = QuantizeLinear(c, s, z)
    d = DequantizeLinear(q, s, z)
    r = Relu(input)
    qr = QuantizeLinear(r, s, z)
    dr = DequantizeLinear(qr, s, z)
    output = Add(BRANCH, dr)
}
"""
SPLIT = """qc = QuantizeLinear(c, s, z)
    dc = DequantizeLinear(qc, s, z)
    output = Relu(dc)"""


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (QUANTIZED.replace("output = Relu(c)", SPLIT), "quantized between"),
        (SUM.replace("BRANCH", "d"), "both inputs are quantized"),
    ],
    ids=["between convolution and activation", "both inputs of a sum"],
)
def test_what_keeps_layers_from_being_fused_is_a_warning(graph, text, message):
    found = lint(graph(text))
    assert [(each.severity, each.rule) for each in found] == [("warning", "fusion")]
    assert message in str(found[0])


def test_a_quantized_residual_alone_is_right(graph):
    assert lint(graph(SUM.replace("BRANCH", "c"))) == []


def test_errors_come_before_warnings(graph):
    text = """g (float[1,4] input) => (int64[1,1] output) { output = ArgMax <axis=1> (input) }"""
    assert [each.severity for each in lint(graph(text))] == ["error", "warning"]


def test_an_operator_that_came_later_stays(graph):
    sets = [each.operators for each in GENERATIONS.values()]
    assert all(older <= newer for older, newer in itertools.pairwise(sets))
    assert "HardSwish" not in GENERATIONS["8.2"].operators
    assert "HardSwish" in GENERATIONS["8.5"].operators
