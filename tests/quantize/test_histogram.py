import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgecnn.errors import EdgeCnnError
from edgecnn.quantize.extent import Extent
from edgecnn.quantize.histogram import BINS, Histogram

numbers = st.lists(st.floats(-(2.0**14), 2.0**14, width=32, allow_subnormal=False), min_size=1, max_size=30)
batches = st.lists(numbers.map(lambda each: np.array(each, np.float32)), min_size=1, max_size=5)


def histogram(*parts) -> Histogram:
    seen = Histogram()
    for part in parts:
        seen.add(part)
    return seen


@given(batches)
@settings(max_examples=60, deadline=None)
def test_it_counts_what_numpy_counts_between_its_edges(parts):
    seen = histogram(*parts)
    expected, _ = np.histogram(np.concatenate(parts), seen.edges)
    np.testing.assert_array_equal(seen.counts, expected)
    assert seen.edges[0] <= min(0, seen.low)
    assert seen.edges[-1] > seen.high
    assert len(seen.counts) <= BINS


@given(batches)
@settings(max_examples=60, deadline=None)
def test_neither_the_order_nor_the_batches_matter(parts):
    one, other = histogram(*parts), histogram(np.concatenate(parts[::-1]))
    np.testing.assert_array_equal(one.counts, other.counts)
    np.testing.assert_array_equal(one.edges, other.edges)
    assert one.range() == other.range() == (np.concatenate(parts).min(), np.concatenate(parts).max())


def test_its_size_does_not_grow_and_its_resolution_stays_fine():
    seen = histogram(*(np.linspace(-(4.0**k), 4.0**k, 5000, dtype=np.float32) for k in range(-8, 9)))
    assert BINS / 2 - 1 <= len(seen.counts) <= BINS
    assert seen.counts.sum() == 17 * 5000
    assert 0.0 in seen.edges


@pytest.mark.parametrize("kind", [Extent, Histogram])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_number_that_is_not_finite_is_refused(kind, value):
    with pytest.raises(EdgeCnnError):
        kind().add(np.array([1.0, value], np.float32))
