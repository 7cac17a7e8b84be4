import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from edgecnn.export.tflite import UnsupportedOperatorError, count_operators, write

POOLS = {
    "2x2 stride 2": (8, 6, "kernel_shape=[2,2], strides=[2,2]"),
    "3x3 stride 2": (9, 7, "kernel_shape=[3,3], strides=[2,2]"),
    "3x3 stride 2, rows left over": (8, 6, "kernel_shape=[3,3], strides=[2,2]"),
    "3x3 stride 2 pad 1, odd": (9, 7, "kernel_shape=[3,3], strides=[2,2], pads=[1,1,1,1]"),
    "3x3 stride 2 pad 1, even": (8, 6, "kernel_shape=[3,3], strides=[2,2], pads=[1,1,1,1]"),
    "3x3 stride 1 pad 1": (5, 6, "kernel_shape=[3,3], pads=[1,1,1,1]"),
    "ceil": (8, 6, "kernel_shape=[3,3], strides=[2,2], ceil_mode=1"),
    "ceil, stride 3 overhangs by two": (8, 8, "kernel_shape=[3,3], strides=[3,3], ceil_mode=1"),
    "ceil with pad 1": (10, 7, "kernel_shape=[3,3], strides=[2,2], pads=[1,1,1,1], ceil_mode=1"),
    "asymmetric": (7, 7, "kernel_shape=[3,2], strides=[2,1], pads=[1,0,0,1]"),
    "SAME_UPPER": (8, 7, 'kernel_shape=[3,3], strides=[2,2], auto_pad="SAME_UPPER"'),
    "SAME_LOWER": (8, 7, 'kernel_shape=[3,3], strides=[2,2], auto_pad="SAME_LOWER"'),
}


def pool(graph, operator, height, width, attributes, opset=13):
    body = f"(float[1,3,{height},{width}] x) => (float[1,3,H,W] y) {{ y = {operator}<{attributes}>(x) }}"
    return graph(body, opset=opset)


@pytest.mark.parametrize(("height", "width", "attributes"), POOLS.values(), ids=POOLS)
def test_max_pools_compute_what_onnx_does(graph, compare, height, width, attributes):
    # All below zero: padding that counted as 0 would win.
    found = compare(pool(graph, "MaxPool", height, width, attributes), shift=-9.0)
    assert found.error == 0
    assert found.response > 0


@pytest.mark.parametrize(("height", "width", "attributes"), POOLS.values(), ids=POOLS)
def test_average_pools_divide_by_the_taps_in_the_image(graph, compare, height, width, attributes):
    found = compare(pool(graph, "AveragePool", height, width, attributes), shift=1.0)
    assert found.agrees, found.error


@pytest.mark.parametrize(("height", "width", "attributes"), POOLS.values(), ids=POOLS)
def test_average_pools_may_count_the_padding(graph, compare, height, width, attributes):
    # Opset 19: at opset 13 ONNX Runtime's fast path divides by the overhang of ceil_mode, too.
    attributes += ", count_include_pad=1"
    found = compare(pool(graph, "AveragePool", height, width, attributes, opset=19), shift=1.0)
    assert found.agrees, found.error


@given(
    size=st.tuples(st.integers(3, 12), st.integers(3, 12)),
    kernel=st.tuples(st.integers(2, 4), st.integers(2, 4)),
    stride=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    padding=st.integers(0, 1),
    ceil=st.booleans(),
    include=st.booleans(),
)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_pool_agrees(graph, compare, size, kernel, stride, padding, ceil, include):
    axes = list(zip(size, kernel, stride, strict=True))
    assume(all(length + 2 * padding >= taps for length, taps, _ in axes))
    # A last window that starts in the padding is refused, see below.
    rooms = [(length + 2 * padding - taps, length + padding, step) for length, taps, step in axes]
    assume(not ceil or all(-(-room // step) * step < end for room, end, step in rooms))
    attributes = (
        f"kernel_shape={list(kernel)}, strides={list(stride)}, pads={[padding] * 4}, ceil_mode={int(ceil)}"
    )
    assert compare(pool(graph, "MaxPool", *size, attributes), shift=-9.0).error == 0
    attributes += f", count_include_pad={int(include)}"
    found = compare(pool(graph, "AveragePool", *size, attributes, opset=19), shift=1.0)
    assert found.agrees, found.error


@pytest.mark.parametrize(
    ("operator", "attributes", "operators"),
    [
        ("MaxPool", "kernel_shape=[3,3], strides=[2,2], pads=[1,1,1,1]", {"MAX_POOL_2D": 1, "PADV2": 1}),
        ("MaxPool", "kernel_shape=[3,3], strides=[2,2], ceil_mode=1", {"MAX_POOL_2D": 1}),
        ("AveragePool", "kernel_shape=[3,3], pads=[1,1,1,1]", {"AVERAGE_POOL_2D": 1}),
        (
            "AveragePool",
            "kernel_shape=[3,3], pads=[1,1,1,1], count_include_pad=1",
            {"AVERAGE_POOL_2D": 1, "PAD": 1},
        ),
        (
            "AveragePool",
            "kernel_shape=[3,3], strides=[2,2], pads=[1,1,1,1]",
            {"AVERAGE_POOL_2D": 1, "MUL": 1, "PAD": 1},
        ),
    ],
)
def test_no_more_operators_than_needed(graph, operator, attributes, operators):
    assert count_operators(write(pool(graph, operator, 8, 8, attributes))) == operators


@pytest.mark.parametrize(
    ("operator", "expected"),
    [("GlobalAveragePool", {"MEAN": 1}), ("GlobalMaxPool", {"MAX_POOL_2D": 1})],
)
def test_global_pools(graph, compare, operator, expected):
    found = compare(graph(f"(float[1,3,5,7] x) => (float[1,3,1,1] y) {{ y = {operator}(x) }}"))
    assert found.agrees
    assert found.operators == expected


@pytest.mark.parametrize(
    ("node", "out", "reason"),
    [
        ("MaxPool<kernel_shape=[2,2], dilations=[2,2]>(x)", "4,4", "dilations"),
        ("AveragePool<kernel_shape=[2,2], pads=[0,0,2,2]>(x)", "7,7", "wholly in the padding"),
        ('MaxPool<kernel_shape=[2,2], auto_pad="MIDDLE">(x)', "5,5", "auto_pad=MIDDLE"),
        (
            "MaxPool<kernel_shape=[1,1], strides=[7,7], pads=[1,1,1,1], ceil_mode=1>(x)",
            "2,2",
            "starts a window in the padding",
        ),
    ],
    ids=["dilated", "empty window", "unknown auto_pad", "window that starts in the padding"],
)
def test_other_pools_are_refused(graph, node, out, reason):
    with pytest.raises(UnsupportedOperatorError, match=reason):
        write(graph(f"(float[1,3,6,6] x) => (float[1,3,{out}] y) {{ y = {node} }}"))


def test_the_indices_of_a_max_pool_are_refused(graph):
    body = """(float[1,3,6,6] x) => (float[1,3,3,3] y, int64[1,3,3,3] i) {
      y, i = MaxPool<kernel_shape=[2,2], strides=[2,2]>(x) }"""
    with pytest.raises(UnsupportedOperatorError, match="second output 'i'"):
        write(graph(body))
