import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from edgecnn.quantize.grid import Grid, asymmetric, dequantize, quantize, symmetric, weight_scales

numbers = st.floats(-1e6, 1e6, width=32)
ranges = st.tuples(numbers, numbers).map(sorted)


@given(ranges, st.floats(0, 1))
def test_a_number_inside_the_range_moves_by_half_a_step_at_most(span, part):
    low, high = min(span[0], 0.0), max(span[1], 0.0)
    grid = asymmetric(low, high)
    value = np.array([low + part * (high - low)], np.float32)
    moved = abs(float(dequantize(quantize(value, grid), grid)[0]) - float(value[0]))
    assert moved <= grid.scale / 2 * (1 + 1e-4)


@pytest.mark.parametrize("to_grid", [asymmetric, symmetric])
@given(span=ranges)
def test_zero_stays_exactly_zero(to_grid, span):
    grid = to_grid(*span)
    zero = np.zeros(1, np.float32)
    assert dequantize(quantize(zero, grid), grid)[0] == 0
    assert grid.scale > 0
    assert -128 <= grid.zero_point <= 127


@given(arrays.arrays(np.int8, 20), ranges)
def test_numbers_on_the_grid_come_back_as_they_were(q, span):
    grid = asymmetric(*span)
    np.testing.assert_array_equal(quantize(dequantize(q, grid), grid), q)


def test_the_range_of_a_relu_uses_all_256_levels():
    grid = asymmetric(0.0, 25.5)
    assert grid == Grid(scale=0.1, zero_point=-128)
    found = quantize(np.array([-1.0, 0.0, 0.1, 25.5, 99.0], np.float32), grid)
    assert found.tolist() == [-128, -128, -127, 127, 127]


def test_halves_are_rounded_to_even_as_onnx_does():
    values = np.array([0.5, 1.5, 2.5, -0.5, -1.5], np.float32)
    assert quantize(values, Grid(scale=1.0, zero_point=0)).tolist() == [0, 2, 2, 0, -2]


def test_a_range_of_nothing_but_zero_gets_scale_one():
    assert asymmetric(0.0, 0.0) == Grid(scale=1.0, zero_point=-128)
    assert symmetric(0.0, 0.0) == Grid(scale=1.0, zero_point=0)


def test_each_channel_of_a_weight_gets_the_scale_of_its_largest_number():
    weight = np.array([[1.27, -0.3], [0.0, -2.54]], np.float32)
    assert weight_scales(weight, 0) == pytest.approx([1.27 / 127, 2.54 / 127])
    assert weight_scales(weight, 1) == pytest.approx([1.27 / 127, 2.54 / 127])
    assert weight_scales(weight, None) == pytest.approx(2.54 / 127)


def test_a_dead_channel_gets_the_largest_scale_of_the_others():
    weight = np.array([[1.27], [0.0], [2.54]], np.float32)
    assert weight_scales(weight, 0) == pytest.approx([0.01, 0.02, 0.02])
    assert weight_scales(np.zeros((2, 3), np.float32), 0).tolist() == [1, 1]
