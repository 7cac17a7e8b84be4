import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgecnn.errors import EdgeCnnError
from edgecnn.evaluate import Share, agreement, wilson

COUNTS = st.integers(1, 100_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


# Newcombe 1998, Stat. Med. 17, 857-872, table I, method 3.
@pytest.mark.parametrize(
    ("count", "n", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
    ids=lambda value: str(value),
)
def test_the_interval_is_the_published_one(count, n, low, high):
    assert wilson(count, n) == pytest.approx((low, high), abs=5e-5)


@given(COUNTS)
def test_at_its_ends_the_seen_share_is_z_deviations_away(counts):
    count, n = counts
    for end in wilson(count, n):
        if 0 < end < 1:
            deviation = math.sqrt(end * (1 - end) / n)
            assert abs(count / n - end) / deviation == pytest.approx(1.959964, rel=1e-5)


@given(COUNTS)
def test_the_interval_holds_the_share_and_mirrors_the_rest(counts):
    count, n = counts
    low, high = wilson(count, n)
    assert 0 <= low <= count / n <= high <= 1
    assert wilson(n - count, n) == pytest.approx((1 - high, 1 - low), abs=1e-12)


@given(COUNTS)
def test_more_confidence_is_never_narrower(counts):
    narrow, wide = wilson(*counts, confidence=0.8), wilson(*counts, confidence=0.99)
    assert wide[0] <= narrow[0]
    assert narrow[1] <= wide[1]


@pytest.mark.parametrize(
    ("count", "n", "confidence"), [(1, 0, 0.95), (3, 2, 0.95), (-1, 2, 0.95), (1, 2, 1.0), (1, 2, 0.0)]
)
def test_what_is_no_share_is_refused(count, n, confidence):
    with pytest.raises(EdgeCnnError):
        wilson(count, n, confidence)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1))
def test_agreement_counts_equal_answers(pairs):
    first, other = map(np.array, zip(*pairs, strict=True))
    same = sum(one == another for one, another in pairs)
    assert agreement(first, other) == Share(count=same, n=len(pairs))


def test_agreement_takes_answers_for_the_same_pictures():
    for first, other in ((np.zeros(2), np.zeros(3)), (np.zeros(0), np.zeros(0)), (np.zeros((2, 2)),) * 2):
        with pytest.raises(EdgeCnnError, match="same pictures"):
            agreement(first, other)
