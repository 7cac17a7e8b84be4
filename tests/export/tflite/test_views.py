from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgecnn.export.tflite import UnsupportedOperatorError, write
from edgecnn.export.tflite.layout import NHWC, permute_features, reshaped_axes


def reshape(graph, given_shape, wanted, node="Reshape(r, s)", **numbers):
    body = "(float[%s] x) => (float[%s] y) { r = Relu(x) y = %s }"
    shapes = [",".join(map(str, shape)) for shape in (given_shape, wanted)]
    return graph(body % (*shapes, node), **(numbers or {"s": np.asarray(wanted)}))


@pytest.mark.parametrize(
    ("given_shape", "wanted"),
    [
        ((1, 6), (1, 6, 1, 1)),
        ((1, 6, 1, 1), (1, 6)),
        ((1, 1, 4, 5), (1, 20)),
        ((1, 12), (1, 3, 4)),
        ((1, 6, 1, 1), (1, 2, 3)),
        ((1, 12), (1, 1, 3, 4)),
    ],
    ids=str,
)
def test_a_reshape_that_moves_nothing(graph, compare, given_shape, wanted):
    found = compare(reshape(graph, given_shape, wanted))
    assert found.error == 0
    assert found.response > 0


@pytest.mark.parametrize(
    ("node", "given_shape", "wanted"),
    [("Squeeze(r, s)", (1, 6, 1, 1), (1, 6)), ("Unsqueeze(r, s)", (1, 6), (1, 6, 1, 1))],
    ids=["squeeze", "unsqueeze"],
)
def test_squeezing(graph, compare, node, given_shape, wanted):
    assert compare(reshape(graph, given_shape, wanted, node, s=np.asarray([2, 3]))).error == 0


def test_allowzero_matters_only_where_there_is_a_zero(graph, compare):
    body = "(float[1,6] x) => (float[1,2,3] y) { y = Reshape<allowzero=1>(x, s) }"
    assert compare(graph(body, opset=14, s=np.asarray([1, 2, 3]))).error == 0
    with pytest.raises(UnsupportedOperatorError, match="empty tensor"):
        write(graph(body, opset=14, s=np.asarray([0, 2, 3])))


def test_a_transpose_to_channels_last_costs_nothing(graph, normal, compare):
    body = """(float[1,3,4,5] x) => (float[1,20,7] y) {
      t = Transpose<perm=[0,2,3,1]>(x)  r = Reshape(t, shape)  m = MatMul(r, w)  y = Softmax<axis=2>(m) }"""
    found = compare(graph(body, shape=np.asarray([1, 20, 3]), w=normal(3, 7)))
    assert found.agrees, found.error
    assert found.operators == {"FULLY_CONNECTED": 1, "RESHAPE": 1, "SOFTMAX": 1}


def test_a_spatial_map_as_a_sequence_of_channels(graph, normal, compare):
    body = """(float[1,3,4,5] x) => (float[1,20,3] y) {
      r = Reshape(x, shape)  n = Relu(r)  y = Transpose<perm=[0,2,1]>(n) }"""
    found = compare(graph(body, shape=np.asarray([1, 3, 20])))
    assert found.error == 0
    assert found.operators == {"RELU": 1, "RESHAPE": 1}


def test_identities_and_dropout_vanish(graph, normal, compare):
    body = """(float[1,3,4,5] x) => (float[1,3,4,5] y) {
      a = Identity(x)  c = Conv(a, w)  d = Dropout(c, half)  e = Identity(d)  y = Relu(e) }"""
    found = compare(graph(body, w=normal(3, 3, 1, 1), half=np.float32(0.5)))
    assert found.agrees
    assert found.operators == {"CONV_2D": 1, "RELU": 1}


@pytest.mark.parametrize(
    ("nodes", "out", "reason"),
    [
        ("r = Relu(x) y = Flatten(r)", "1,60", "Flatten node 'y'.*ends in a flattened image"),
        ("y = Transpose<perm=[0,1,3,2]>(x)", "1,3,5,4", "Transpose node 'y'.*another order"),
        ("f = Flatten(x) r = Reshape(f, s) y = Relu(r)", "1,5,4,3", "Reshape node 'r'.*TRANSPOSE"),
        (
            "r = Reshape(x, s) t = Transpose<perm=[0,2,1,3]>(r) y = Relu(t)",
            "1,4,5,3",
            "Reshape node 'r'.*TRANSPOSE",
        ),
        ("y = Dropout(x, k, t)", "1,3,4,5", "drops values"),
    ],
    ids=[
        "flattened output",
        "transposed output",
        "image from a flattened one",
        "shuffle",
        "training dropout",
    ],
)
def test_what_would_have_to_transpose_is_refused(graph, nodes, out, reason):
    body = f"(float[1,3,4,5] x) => (float[{out}] y) {{ {nodes} }}"
    numbers = {
        "s": np.asarray([1, 5, 4, 3]),
        "k": np.float32(0.5),
        "t": np.asarray(True),
        "z": np.asarray([0]),
    }
    used = {name: array for name, array in numbers.items() if f", {name}" in nodes}
    with pytest.raises(UnsupportedOperatorError, match=reason):
        write(graph(body, **used))


def holds_the_reshape(shape, axes, target, found):
    """Say whether the bytes of an image laid out by `axes`, seen with `found`, are ONNX's reshape."""
    onnx = np.arange(np.prod(shape)).reshape(shape)
    in_file = onnx.transpose(axes).reshape([target[axis] for axis in found])
    return np.array_equal(in_file.transpose(np.argsort(found)), onnx.reshape(target))


@given(st.data())
def test_a_view_holds_what_onnx_reshapes_to(data):
    shape = tuple(data.draw(st.lists(st.sampled_from([1, 2, 3, 4]), min_size=2, max_size=4)))
    axes = tuple(data.draw(st.permutations(range(len(shape)))))
    size = int(np.prod(shape))
    first = data.draw(st.sampled_from([n for n in range(1, size + 1) if size % n == 0]))
    second = data.draw(st.sampled_from([n for n in range(1, size // first + 1) if size // first % n == 0]))
    target = (first, second, size // first // second)
    found = reshaped_axes(shape, axes, target)
    if found is None:
        orders = permutations(range(len(target)))
        assert not any(holds_the_reshape(shape, axes, target, order) for order in orders)
    else:
        assert holds_the_reshape(shape, axes, target, found)


@pytest.mark.parametrize(
    ("shape", "target", "axes"),
    [
        ((1, 3, 4, 5), (1, 3, 20), (0, 2, 1)),
        ((1, 3, 4, 5), (1, 60), None),
        ((1, 6, 4, 5), (1, 2, 3, 20), (0, 3, 1, 2)),
        ((1, 6, 1, 1), (1, 6), (0, 1)),
    ],
)
def test_views_of_an_nhwc_image(shape, target, axes):
    assert reshaped_axes(shape, NHWC, target) == axes


def test_features_are_permuted_block_by_block():
    # two channels of a 1 x 2 image, then a plain vector of two
    features = np.asarray(["c0w0", "c0w1", "c1w0", "c1w1", "p0", "p1"])
    permuted = permute_features(features, ((2, 1, 2), (2, 1, 1)))
    assert permuted.tolist() == ["c0w0", "c1w0", "c0w1", "c1w1", "p0", "p1"]
