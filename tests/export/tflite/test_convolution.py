import re

import numpy as np
import onnx_ir as ir
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from edgecnn.export.tflite import UnsupportedOperatorError, read_operators, write

# height, width, c_in, c_out, kernel, attributes, the operators that must result
CASES = {
    "1x1": (5, 7, 3, 4, (1, 1), "", {"CONV_2D": 1}),
    "3x3 valid": (5, 7, 3, 4, (3, 3), "", {"CONV_2D": 1}),
    "3x3 same": (5, 7, 3, 4, (3, 3), "pads=[1,1,1,1]", {"CONV_2D": 1}),
    "stride 2 on an odd size is SAME": (7, 9, 3, 4, (3, 3), "strides=[2,2], pads=[1,1,1,1]", {"CONV_2D": 1}),
    "stride 2 on an even size is not": (
        8,
        6,
        3,
        4,
        (3, 3),
        "strides=[2,2], pads=[1,1,1,1]",
        {"CONV_2D": 1, "PAD": 1},
    ),
    "even height only": (8, 9, 3, 4, (3, 3), "strides=[2,2], pads=[1,1,1,1]", {"CONV_2D": 1, "PAD": 1}),
    "asymmetric pads": (6, 7, 2, 3, (3, 3), "pads=[2,0,1,3]", {"CONV_2D": 1, "PAD": 1}),
    "asymmetric pads that are SAME": (8, 6, 2, 3, (3, 3), "strides=[2,2], pads=[0,0,1,1]", {"CONV_2D": 1}),
    "pads that no window reads": (6, 6, 2, 3, (2, 2), "strides=[2,2], pads=[0,0,1,1]", {"CONV_2D": 1}),
    "SAME_UPPER": (8, 7, 2, 3, (3, 2), 'strides=[2,2], auto_pad="SAME_UPPER"', {"CONV_2D": 1}),
    "SAME_LOWER": (8, 7, 2, 3, (3, 2), 'strides=[2,2], auto_pad="SAME_LOWER"', {"CONV_2D": 1, "PAD": 1}),
    "auto_pad VALID": (8, 7, 2, 3, (3, 2), 'auto_pad="VALID"', {"CONV_2D": 1}),
    "5x3 kernel, stride 1x2": (9, 8, 2, 3, (5, 3), "strides=[1,2], pads=[2,1,2,1]", {"CONV_2D": 1, "PAD": 1}),
    "dilated": (9, 8, 2, 3, (3, 3), "dilations=[2,3], pads=[2,3,2,3]", {"CONV_2D": 1}),
    "dilated and strided": (11, 9, 2, 3, (3, 3), "dilations=[2,2], strides=[2,2]", {"CONV_2D": 1}),
    "two groups": (6, 5, 4, 6, (3, 3), "group=2, pads=[1,1,1,1]", {"CONV_2D": 1}),
    "four groups of two": (6, 5, 8, 4, (3, 3), "group=4", {"CONV_2D": 1}),
    "depthwise": (7, 6, 5, 5, (3, 3), "group=5, pads=[1,1,1,1]", {"DEPTHWISE_CONV_2D": 1}),
    "depthwise, multiplier 3": (7, 6, 4, 12, (3, 3), "group=4", {"DEPTHWISE_CONV_2D": 1}),
    "depthwise, stride 2": (
        8,
        6,
        5,
        5,
        (3, 3),
        "group=5, strides=[2,2], pads=[1,1,1,1]",
        {"DEPTHWISE_CONV_2D": 1, "PAD": 1},
    ),
    "depthwise, dilated": (9, 9, 3, 3, (3, 3), "group=3, dilations=[2,2]", {"DEPTHWISE_CONV_2D": 1}),
    "one input channel": (6, 6, 1, 4, (3, 3), "group=1", {"CONV_2D": 1}),
    "kernel as large as the image": (5, 4, 3, 6, (5, 4), "", {"CONV_2D": 1}),
}


def conv(graph, normal, height, width, c_in, c_out, kernel, attributes, *, group=None, bias=True):
    if group is None:
        group = int(dict(re.findall(r"(group)=(\d+)", attributes)).get("group", 1))
    else:
        attributes = f"{attributes}, group={group}"
    weights = {"w": normal(c_out, c_in // group, *kernel)} | ({"b": normal(c_out)} if bias else {})
    inputs = "x, w, b" if bias else "x, w"
    attributes = f"<{attributes}>" if attributes else ""
    shapes = f"(float[1,{c_in},{height},{width}] x) => (float[1,{c_out},H,W] y)"
    return graph(f"{shapes} {{ y = Conv{attributes}({inputs}) }}", **weights)


two = st.tuples(st.integers(1, 3), st.integers(1, 3))


@given(
    size=st.tuples(st.integers(5, 12), st.integers(5, 12)),
    kernel=two,
    stride=two,
    dilation=st.tuples(st.integers(1, 2), st.integers(1, 2)),
    pads=st.tuples(*[st.integers(0, 2)] * 4),
    group=st.sampled_from([1, 2, 4]),
)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_convolution_agrees(graph, normal, compare, size, kernel, stride, dilation, pads, group):
    attributes = f"strides={list(stride)}, dilations={list(dilation)}, pads={list(pads)}"
    found = compare(conv(graph, normal, *size, 4, 4, kernel, attributes, group=group))
    assert found.agrees, found.error


@given(
    kernel=two,
    stride=two,
    pads=st.tuples(*[st.integers(0, 1)] * 4),
    extra=st.tuples(st.integers(0, 1), st.integers(0, 1)),
)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_transposed_convolution_agrees(graph, normal, compare, kernel, stride, pads, extra):
    # ONNX wants output_padding below the stride; beyond the last tap the writer refuses.
    assume(all(extra[axis] < stride[axis] and extra[axis] <= pads[axis + 2] for axis in (0, 1)))
    attributes = f"strides={list(stride)}, pads={list(pads)}, output_padding={list(extra)}"
    body = f"(float[1,3,4,5] x) => (float[1,2,H,W] y) {{ y = ConvTranspose<{attributes}>(x, w, b) }}"
    found = compare(graph(body, w=normal(3, 2, *kernel), b=normal(2)))
    assert found.agrees, found.error


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_convolution_computes_what_onnx_does(graph, normal, compare, case):
    *arguments, operators = case
    found = compare(conv(graph, normal, *arguments))
    assert found.agrees, found.error
    assert found.operators == operators


def test_a_convolution_without_bias_gets_zeros(graph, normal, compare):
    assert compare(conv(graph, normal, 5, 5, 2, 3, (3, 3), "", bias=False)).agrees


@pytest.mark.parametrize(
    ("attributes", "c_in", "version"),
    [("", 4, 1), ("group=2", 4, 6), ("group=4", 4, 1), ("group=4, dilations=[2,2]", 4, 2)],
    ids=["plain", "grouped", "depthwise", "dilated depthwise"],
)
def test_the_version_is_the_lowest_that_has_the_feature(graph, normal, attributes, c_in, version):
    data = write(conv(graph, normal, 7, 7, c_in, 8, (3, 3), attributes))
    assert [operator.version for operator in read_operators(data)] == [version]


TRANSPOSED = {
    "2x2 stride 2": ((2, 2), 'strides=[2,2], auto_pad="NOTSET"', {"TRANSPOSE_CONV": 1}),
    "3x3 stride 1": ((3, 3), "", {"TRANSPOSE_CONV": 1}),
    "4x4 stride 2 pad 1 is SAME": ((4, 4), "strides=[2,2], pads=[1,1,1,1]", {"TRANSPOSE_CONV": 1}),
    "3x3 stride 2 with output_padding": (
        (3, 3),
        "strides=[2,2], pads=[1,1,1,1], output_padding=[1,1]",
        {"SLICE": 1, "TRANSPOSE_CONV": 1},
    ),
    "3x2 stride 2x1, asymmetric": (
        (3, 2),
        "strides=[2,1], pads=[1,0,0,1]",
        {"SLICE": 1, "TRANSPOSE_CONV": 1},
    ),
    "stride larger than the kernel": ((1, 1), "strides=[2,2]", {"TRANSPOSE_CONV": 1}),
}


@pytest.mark.parametrize(("kernel", "attributes", "operators"), TRANSPOSED.values(), ids=TRANSPOSED)
def test_a_transposed_convolution_computes_what_onnx_does(
    graph, normal, compare, kernel, attributes, operators
):
    attributes = f"<{attributes}>" if attributes else ""
    body = f"(float[1,3,4,5] x) => (float[1,2,H,W] y) {{ y = ConvTranspose{attributes}(x, w, b) }}"
    found = compare(graph(body, w=normal(3, 2, *kernel), b=normal(2)))
    assert found.agrees, found.error
    assert found.operators == operators


@pytest.mark.parametrize(
    ("node", "weight", "reason"),
    [
        ("ConvTranspose<group=2>(x, w)", (4, 1, 3, 3), "no groups"),
        ("ConvTranspose<dilations=[2,2]>(x, w)", (4, 2, 3, 3), "dilations"),
        ('ConvTranspose<auto_pad="SAME_UPPER">(x, w)', (4, 2, 3, 3), "auto_pad"),
        ("ConvTranspose<output_shape=[12,12]>(x, w)", (4, 2, 3, 3), "attribute output_shape"),
        ("Conv(x, k, w)", (2,), "not a constant"),
    ],
    ids=["groups", "dilations", "auto_pad", "output_shape", "computed weight"],
)
def test_what_tflite_lacks_is_refused_by_name(graph, normal, node, weight, reason):
    body = f"(float[1,4,4,4] x, float[2,4,3,3] k) => (float[1,2,H,W] y) {{ y = {node} }}"
    with pytest.raises(UnsupportedOperatorError, match=rf"{node[:4]}.*node 'y' cannot.*{reason}"):
        write(graph(body, w=normal(*weight)))


@pytest.mark.parametrize(
    "spoil",
    [lambda w: w.transpose(0, 1, 3, 2), lambda w: w[::-1], lambda w: w[:, ::-1], lambda w: w * 1.001],
    ids=["kernel transposed", "output channels reversed", "input channels reversed", "scaled by 0.1 %"],
)
def test_the_comparison_sees_a_wrong_weight(graph, normal, compare, spoil):
    model = conv(graph, normal, 6, 5, 3, 4, (3, 3), "")
    spoilt = model.clone()
    value = spoilt.graph.initializers["w"]
    array = np.ascontiguousarray(spoil(value.const_value.numpy()), np.float32)
    value.const_value = ir.tensor(array, name="w")
    assert compare(model, of=model).agrees
    assert not compare(model, of=spoilt).agrees
