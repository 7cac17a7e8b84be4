import numpy as np
import pytest

from edgecnn.export.tflite import UnsupportedOperatorError, write

LAST = 2**63 - 1


@pytest.mark.parametrize(
    ("axis", "out"), [(1, "1,6,4,5"), (-3, "1,6,4,5"), (2, "1,3,8,5"), (3, "1,3,4,10"), (0, "2,3,4,5")]
)
def test_a_concatenation_maps_its_axis(graph, compare, axis, out):
    body = f"(float[1,3,4,5] x) => (float[{out}] y) {{ r = Neg(x) y = Concat<axis={axis}>(x, r) }}"
    found = compare(graph(body))
    assert found.error == 0
    assert found.operators == {"CONCATENATION": 1, "NEG": 1}


PADS = {
    "spatial": ([0, 0, 1, 2, 0, 0, 3, 4], None, "", {"PAD": 1}),
    "channels": ([0, 1, 0, 0, 0, 2, 0, 0], None, "", {"PAD": 1}),
    "with a value": ([0, 0, 1, 2, 0, 0, 3, 4], 2.5, "", {"PADV2": 1}),
    "with value 0": ([0, 0, 1, 2, 0, 0, 3, 4], 0.0, "", {"PAD": 1}),
    "reflected": ([0, 0, 1, 2, 0, 0, 3, 4], None, '<mode="reflect">', {"MIRROR_PAD": 1}),
}


@pytest.mark.parametrize(("pads", "value", "mode", "operators"), PADS.values(), ids=PADS)
def test_padding(graph, compare, pads, value, mode, operators):
    values = {} if value is None else {"value": np.float32(value)}
    body = f"(float[1,3,4,5] x) => (float[1,C,H,W] y) {{ y = Pad{mode}(x, pads{', value' * len(values)}) }}"
    found = compare(graph(body, pads=np.asarray(pads), **values))
    assert found.error == 0
    assert found.response > 0
    assert found.operators == operators


def test_padding_of_named_axes(graph, compare):
    body = "(float[1,3,4,5] x) => (float[1,3,5,7] y) { y = Pad(x, pads, , axes) }"
    model = graph(body, opset=18, pads=np.asarray([1, 2, 0, 0]), axes=np.asarray([2, -1]))
    assert compare(model).error == 0


SLICES = {
    "channels": ([1], [3], [1], None, {"SLICE": 1}),
    "from the end": ([-2, 0], [LAST, -1], [2, 3], None, {"SLICE": 1}),
    "every second pixel": ([0, 1], [LAST, LAST], [2, 3], [2, 2], {"STRIDED_SLICE": 1}),
    "without axes": ([0, 0, 1], [1, 3, 4], None, None, {"SLICE": 1}),
}


@pytest.mark.parametrize(("starts", "ends", "axes", "steps", "operators"), SLICES.values(), ids=SLICES)
def test_slicing(graph, compare, starts, ends, axes, steps, operators):
    given = {"starts": starts, "ends": ends, "axes": axes, "steps": steps}
    numbers = {name: np.asarray(list_) for name, list_ in given.items() if list_ is not None}
    body = f"(float[1,4,5,6] x) => (float[1,C,H,W] y) {{ y = Slice({', '.join(['x', *numbers])}) }}"
    found = compare(graph(body, **numbers))
    assert found.error == 0
    assert found.operators == operators


def test_the_shortcut_of_resnets_option_a(graph, compare):
    body = """(float[1,4,6,6] x) => (float[1,8,3,3] y) {
      s = Slice(x, starts, ends, axes, steps)  p = Pad(s, pads)  y = Add(p, p) }"""
    two = np.asarray([2, 2])
    pads = np.asarray([0, 2, 0, 0, 0, 2, 0, 0])
    model = graph(body, starts=two * 0, ends=two * 3, axes=np.asarray([2, 3]), steps=two, pads=pads)
    found = compare(model)
    assert found.error == 0
    assert found.operators == {"ADD": 1, "PAD": 1, "STRIDED_SLICE": 1}


@pytest.mark.parametrize(
    ("node", "numbers", "reason"),
    [
        ('Pad<mode="edge">(x, a)', [0, 0, 1, 1, 0, 0, 1, 1], "no mode=edge"),
        ("Pad(x, a)", [0, 0, -1, 0, 0, 0, 0, 0], "negative pad"),
        ("Slice(x, a, a, a, a)", [-1], "step of -1"),
    ],
)
def test_other_shape_operators_are_refused(graph, node, numbers, reason):
    with pytest.raises(UnsupportedOperatorError, match=reason):
        write(graph(f"(float[1,3,4,5] x) => (float[A,B,C,D] y) {{ y = {node} }}", a=np.asarray(numbers)))
