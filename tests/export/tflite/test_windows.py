import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from edgecnn.export.tflite.windows import Windows


def windows(size, kernel, stride=1, dilation=1, begin=0, end=0, ceil=False):
    return Windows(
        size=size, kernel=kernel, stride=stride, dilation=dilation, begin=begin, end=end, ceil=ceil
    )


some_windows = st.builds(
    windows,
    size=st.integers(1, 40),
    kernel=st.integers(1, 7),
    stride=st.integers(1, 4),
    dilation=st.integers(1, 3),
    begin=st.integers(0, 3),
    end=st.integers(0, 3),
)


def first_taps(w, begin):
    return [number * w.stride - begin for number in range(w.out)]


@given(some_windows)
@settings(max_examples=200, deadline=None)
def test_padding_by_what_is_needed_gives_the_same_number_of_windows(w):
    assume(w.size + w.begin + w.end >= w.extent)
    padded = windows(w.size + w.begin + w.needed_end, w.kernel, w.stride, w.dilation)
    assert padded.out == w.out
    assert padded.fits_valid


@given(some_windows)
@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
def test_same_is_taken_only_where_tensorflow_reads_the_same_taps(w):
    assume(w.size + w.begin + w.end >= w.extent and w.fits_same)
    out = -(-w.size // w.stride)
    total = max((out - 1) * w.stride + w.extent - w.size, 0)
    assert (w.out, first_taps(w, w.begin)) == (out, first_taps(w, total // 2))


@given(some_windows)
@settings(max_examples=200, deadline=None)
def test_counts_are_a_sum_over_a_padded_image_of_ones(w):
    assume(w.size + w.begin + w.end >= w.extent)
    line = np.pad(np.ones(w.size, int), (w.begin, w.end))
    taps = [line[start : start + w.extent : w.dilation].sum() for start in range(0, len(line), w.stride)]
    assert w.counts(padding=False).tolist() == taps[: w.out]
    assert (w.counts(padding=True) == w.kernel).all()


@pytest.mark.parametrize(
    ("w", "out", "same", "valid"),
    [
        (windows(224, 3, 2, begin=1, end=1), 112, False, False),  # TensorFlow pads 0 left, 1 right
        (windows(225, 3, 2, begin=1, end=1), 113, True, False),
        (windows(224, 3, 2, begin=0, end=1), 112, True, False),
        (windows(224, 3, 1, begin=1, end=1), 224, True, False),
        (windows(112, 3, 2, ceil=True), 56, True, False),  # ceil((112 - 3) / 2) + 1
        (windows(112, 3, 2), 55, False, True),
        (windows(4, 2, 2), 2, True, True),
        (windows(5, 3, 2, begin=1, end=1, ceil=True), 3, True, False),
        (windows(4, 1, 3, begin=0, end=1, ceil=True), 2, True, True),
        (windows(2, 1, 3, begin=1, end=1, ceil=True), 1, False, False),  # a 2nd would start in the padding
    ],
)
def test_known_windows(w, out, same, valid):
    assert (w.out, w.fits_same, w.fits_valid) == (out, same, valid)
