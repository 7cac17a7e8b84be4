"""Non-negative least squares against problems solved by hand."""

import numpy as np
import pytest

from edgecnn.devices.least_squares import non_negative


def test_where_the_plain_solution_is_positive_it_is_that_one():
    # x + y = 3, x - y = 1
    found = non_negative(np.array([[1.0, 1.0], [1.0, -1.0]]), np.array([3.0, 1.0]))
    assert found == pytest.approx([2.0, 1.0])


def test_a_coefficient_that_would_be_negative_is_zero_and_the_other_fits_alone():
    # plain: x = -1, y = 2; without x: y = (1 + 2 * 3) / (1 + 4) = 1.4
    found = non_negative(np.array([[1.0, 1.0], [1.0, 2.0]]), np.array([1.0, 3.0]))
    assert found == pytest.approx([0.0, 1.4])


def test_a_column_of_zeros_has_no_coefficient():
    assert non_negative(np.array([[1.0, 0.0], [2.0, 0.0]]), np.array([2.0, 4.0])) == pytest.approx([2.0, 0.0])
