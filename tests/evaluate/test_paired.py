import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgecnn.errors import EdgeCnnError
from edgecnn.evaluate import mcnemar, paired_difference, sign_flip

SOME = st.integers(0, 150)


@given(SOME, SOME)
def test_mcnemar_is_the_binomial_sum(only_first, only_other):
    n, least = only_first + only_other, min(only_first, only_other)
    exact = min(Fraction(1), 2 * Fraction(sum(math.comb(n, k) for k in range(least + 1)), 2**n))
    assert mcnemar(only_first, only_other) == pytest.approx(float(exact), rel=1e-11)


def test_mcnemar_by_hand():
    # 1 of 6: 2 * (1 + 6) / 64
    assert mcnemar(1, 5) == pytest.approx(14 / 64)
    assert mcnemar(0, 0) == 1


@given(SOME, SOME)
def test_mcnemar_does_not_care_which_comes_first(only_first, only_other):
    assert mcnemar(only_first, only_other) == mcnemar(only_other, only_first)


def test_mcnemar_of_many_pictures_is_near_the_normal_approximation():
    only_first, only_other = 499_000, 501_000
    z = (only_other - only_first - 1) / math.sqrt(only_first + only_other)
    assert mcnemar(only_first, only_other) == pytest.approx(math.erfc(z / math.sqrt(2)), rel=1e-3)
    assert mcnemar(10**6, 0) == 0  # less than a float can hold


@given(SOME, SOME, SOME)
def test_the_difference_lies_in_its_interval_and_changes_sign_with_the_order(only_first, only_other, rest):
    n = only_first + only_other + rest + 1
    low, high = paired_difference(only_first, only_other, n)
    assert -1 <= low < high <= 1
    # the interval is about the difference of n + 2 pictures, which is nearer to 0
    assert low < (only_other - only_first) / (n + 2) < high
    assert paired_difference(only_other, only_first, n) == pytest.approx((-high, -low))


def test_the_interval_of_the_difference_is_that_of_the_equation():
    d, s = (38 - 27) / 1002, (38 + 27 + 2) / 1002
    half = 1.959964 * math.sqrt((s - d**2) / 1002)
    assert paired_difference(27, 38, 1000) == pytest.approx((d - half, d + half), abs=1e-7)


@pytest.mark.parametrize(("only_first", "only_other", "n"), [(3, 3, 5), (-1, 2, 5), (0, 0, 0)])
def test_pictures_that_cannot_be_are_refused(only_first, only_other, n):
    with pytest.raises(EdgeCnnError):
        paired_difference(only_first, only_other, n)


@given(st.lists(st.integers(-4, 4), max_size=9))
def test_few_differences_are_tested_with_every_pattern_of_signs(differences):
    seen = abs(sum(differences))
    patterns = list(itertools.product((-1, 1), repeat=len(differences)))
    reached = sum(abs(np.dot(signs, differences)) >= seen for signs in patterns)
    # tenths are no binary fractions: sums that tie must not be told apart by rounding
    assert sign_flip(np.array(differences) / 10) == pytest.approx(reached / len(patterns))


def test_many_differences_are_tested_with_drawn_patterns():
    # Equal steps: the sum of signs is binomial. 12 of 40 steps down: 2 P(X <= 12), X ~ B(40, 1/2).
    exact = 2 * sum(math.comb(40, k) for k in range(13)) / 2**40
    differences = np.array([-0.1] * 12 + [0.1] * 28)
    deviation = math.sqrt(exact * (1 - exact) / 10_000)
    assert abs(sign_flip(differences, seed=1) - exact) < 5 * deviation
    assert sign_flip(differences, seed=1) == sign_flip(differences, seed=1)
    assert sign_flip(np.full(1000, 0.1)) == pytest.approx(1 / 10_001)


def test_no_difference_is_no_evidence():
    assert sign_flip(np.zeros(5)) == 1


def test_a_difference_that_is_not_finite_is_refused():
    with pytest.raises(EdgeCnnError, match="not finite"):
        sign_flip(np.array([0.1, np.nan]))
