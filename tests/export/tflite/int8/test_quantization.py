import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgecnn.export.tflite.precision import FORMS, without_int8
from edgecnn.export.tflite.quantization import (
    Quantization,
    dequantize,
    exactly,
    quantize,
    quantize_bias,
    with_room_for_bias,
)
from edgecnn.export.tflite.rules import RULES
from edgecnn.runtime.elements import to_elements, to_reals
from edgecnn.runtime.onnx_runner import OnnxRunner

reals = st.floats(-100, 100, width=32)
scales = st.floats(2.0**-10, 2.0, width=32)


@given(real=reals, scale=scales, zero_point=st.integers(-128, 127))
def test_an_element_is_the_nearest_that_there_is(real, scale, zero_point):
    found = Quantization(scale=(scale,), zero_point=zero_point)
    (element,) = quantize(np.float32([real]), found)
    least, most = (float(dequantize(np.int8([end]), found)[0]) for end in (-128, 127))
    nearest = min(max(real, least), most)
    # Half a step, and the rounding of real / scale in float32.
    assert abs(float(dequantize(element, found)) - nearest) <= scale / 2 + 1e-5 * (abs(real) + scale)
    assert to_elements(np.float32([real]), scale, zero_point) == element
    assert to_reals(element, scale, zero_point) == dequantize(element, found)


@given(real=reals, scale=scales, zero_point=st.integers(-128, 127))
def test_a_number_is_represented_as_quantizing_gives_it(real, scale, zero_point):
    found = Quantization(scale=(scale,), zero_point=zero_point)
    assert abs(found.represents(real) - int(quantize(np.float32([real]), found)[0])) <= 1


@pytest.mark.parametrize(("real", "element"), [(-3.0e38, -128), (float("inf"), 127), (float("-inf"), -128)])
def test_a_bound_beyond_the_range_is_its_end(real, element):
    assert Quantization(scale=(0.1,), zero_point=5).represents(real) == element


@pytest.mark.parametrize("axis", [None, 0, 1])
def test_weights_are_rounded_as_onnx_runtime_rounds_them(graph, rng, axis):
    weights = rng.standard_normal((1, 4, 5, 6), np.float32)
    channels = 1 if axis is None else weights.shape[axis]
    scale = rng.uniform(0.005, 0.05, channels).astype(np.float32)
    attribute = "" if axis is None else f"<axis={axis}>"
    model = graph(
        f"""(float[1,4,5,6] x) => (float[1,4,5,6] y) {{
          q = QuantizeLinear{attribute}(x, s, z)  y = DequantizeLinear{attribute}(q, s, z) }}""",
        s=scale if axis is not None else scale[0],
        z=np.zeros(channels, np.int8) if axis is not None else np.int8(0),
    )
    found = Quantization(scale=tuple(scale.tolist()), axis=axis or 0)
    onnx = OnnxRunner(model, optimize=False)(weights)
    np.testing.assert_array_equal(dequantize(quantize(weights, found), found), onnx)


@given(st.lists(reals, min_size=1, max_size=4))
def test_one_number_for_each_scale_is_exact(numbers):
    wanted = np.float32(numbers)
    elements, found = exactly(wanted)
    np.testing.assert_allclose(elements * found, wanted, rtol=3e-7, atol=2e-36)


def test_a_bias_has_the_scale_of_the_products():
    bias, found = quantize_bias(np.float32([1, -2]), 0.5, np.float32([0.25, 0.125]))
    assert bias.tolist() == [1 / (0.5 * 0.25), -2 / (0.5 * 0.125)]
    assert found.scale == (0.125, 0.0625)


def test_scales_stay_as_they_are_where_every_bias_fits():
    weights, scale = np.int8([[127], [-5]]), np.float32([0.1, 0.2])
    room = with_room_for_bias(weights, scale, np.float32([1, 2]), 0.5)
    assert room[0] is weights
    assert room[1] is scale


def test_every_operator_is_known_to_have_an_int8_form_or_none():
    assert set(FORMS) < set(RULES)
    assert without_int8() == {"Div", "LRN", "Neg", "Sqrt"}
