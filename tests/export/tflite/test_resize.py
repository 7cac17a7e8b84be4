import numpy as np
import pytest
from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st

from edgecnn.export.tflite import UnsupportedOperatorError, lower, write


def resize(graph, height, width, attributes, *, opset=13, scales=None):
    sizes = {"sizes": np.asarray([1, 2, height, width])}
    by_scales = {"scales": np.asarray([1, 1, *(scales or ())], np.float32)}
    inputs = "x, , , sizes" if scales is None else "x, , scales"
    shapes = f"(float[1,2,4,5] x) => (float[1,2,{height},{width}] y)"
    body = f"{shapes} {{ y = Resize<{attributes}>({inputs}) }}"
    return graph(body, opset=opset, **(sizes if scales is None else by_scales))


TORCH_NEAREST = 'coordinate_transformation_mode="asymmetric", mode="nearest", nearest_mode="floor"'
NEAREST = {
    "as torch exports it": TORCH_NEAREST,
    "half pixel": 'mode="nearest"',
    "half pixel, prefer ceil": 'mode="nearest", nearest_mode="round_prefer_ceil"',
}
BILINEAR = {
    "half pixel": 'mode="linear"',
    "pytorch half pixel": 'coordinate_transformation_mode="pytorch_half_pixel", mode="linear"',
    "align corners": 'coordinate_transformation_mode="align_corners", mode="linear"',
    "asymmetric": 'coordinate_transformation_mode="asymmetric", mode="linear"',
}


@pytest.mark.parametrize("attributes", BILINEAR.values(), ids=BILINEAR)
@pytest.mark.parametrize(("height", "width"), [(8, 10), (12, 15), (7, 11), (2, 3)])
def test_a_bilinear_resize_to_any_size(graph, compare, attributes, height, width):
    found = compare(resize(graph, height, width, attributes))
    assert found.agrees, found.error
    assert found.operators == {"RESIZE_BILINEAR": 1}


@pytest.mark.parametrize("attributes", NEAREST.values(), ids=NEAREST)
@pytest.mark.parametrize(("height", "width"), [(8, 10), (12, 15)])
def test_a_nearest_resize_by_whole_factors(graph, compare, attributes, height, width):
    found = compare(resize(graph, height, width, attributes))
    assert found.error == 0
    assert found.operators == {"RESIZE_NEAREST_NEIGHBOR": 1}


@pytest.mark.parametrize(
    ("attributes", "size", "mode"),
    [
        # 4 rows onto 2: half pixel looks at 0.5 and 2.5; rounded down that is TFLite's 4 / 2 * row
        ('mode="nearest"', (2, 5), (False, False)),
        ('mode="nearest", nearest_mode="round_prefer_ceil"', (2, 5), (False, True)),
        (TORCH_NEAREST, (2, 3), (False, False)),
    ],
    ids=["prefer floor", "prefer ceil", "floor"],
)
def test_the_mode_of_tflite_is_the_one_that_reads_the_same(graph, compare, attributes, size, mode):
    model = resize(graph, *size, attributes)
    assert compare(model).error == 0
    (operator,) = lower(model).operators
    assert (operator.options["alignCorners"], operator.options["halfPixelCenters"]) == mode


def test_a_nearest_resize_that_no_mode_reads_is_refused(graph):
    # 4 rows onto 3: ONNX looks at 0.17, 1.5, 2.83 and rounds 1.5 down; TFLite reads 0, 2, 3 or 0, 1, 2
    with pytest.raises(UnsupportedOperatorError, match=r"TFLite reads other elements.*\(4, 5\) to \(3, 5\)"):
        write(resize(graph, 3, 5, 'mode="nearest"'))


@given(
    height=st.integers(1, 13),
    width=st.integers(1, 13),
    attributes=st.sampled_from([*NEAREST.values(), *BILINEAR.values()]),
)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_resize_that_is_written_agrees(graph, compare, height, width, attributes):
    try:
        found = compare(resize(graph, height, width, attributes))
    except UnsupportedOperatorError:
        reject()
    assert found.agrees, found.error


def test_scales_do_as_well_as_sizes(graph, compare):
    assert compare(resize(graph, 8, 15, TORCH_NEAREST, scales=(2, 3))).error == 0


@pytest.mark.parametrize(
    ("attributes", "opset", "reason"),
    [
        ('mode="cubic"', 13, "no mode=cubic"),
        ('mode="linear", coordinate_transformation_mode="tf_crop_and_resize"', 13, "no coordinates tf_crop"),
        ('mode="linear", antialias=1', 18, "no antialias"),
        (
            'mode="nearest", coordinate_transformation_mode="asymmetric", nearest_mode="ceil"',
            13,
            "other elements",
        ),
    ],
)
def test_other_resizes_are_refused(graph, attributes, opset, reason):
    with pytest.raises(UnsupportedOperatorError, match=reason):
        write(resize(graph, 8, 10, attributes, opset=opset))


def test_scales_that_the_size_rounds_are_refused(graph):
    # 5 * 1.5 = 7.5: ONNX reads at i / 1.5, TFLite at i * 5 / 7
    model = resize(
        graph, 6, 7, 'mode="linear", coordinate_transformation_mode="asymmetric"', scales=(1.5, 1.5)
    )
    with pytest.raises(UnsupportedOperatorError, match="other elements"):
        write(model)
