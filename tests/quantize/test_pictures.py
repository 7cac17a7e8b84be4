import numpy as np
import pytest

from edgecnn.errors import EdgeCnnError
from edgecnn.quantize.pictures import cut_up, parts_of

PICTURES = np.arange(27, dtype=np.float64).reshape(27, 1, 1, 1)


@pytest.mark.parametrize("batch", [1, 5, 27])
@pytest.mark.parametrize("size", [1, 4])
def test_parts_have_the_graphs_batch_whatever_the_batches_that_come(batch, size):
    batches = (PICTURES[start : start + batch] for start in range(0, 27, batch))
    parts = list(cut_up(batches, size))
    assert {part.shape for part in parts} == {(size, 1, 1, 1)}
    assert {part.dtype for part in parts} == {np.dtype(np.float32)}
    np.testing.assert_array_equal(np.concatenate(parts), PICTURES[: 27 // size * size])


def test_no_more_parts_are_read_than_are_wanted():
    def batches():
        yield PICTURES[:8]
        raise AssertionError("one batch was enough")

    assert len(parts_of(batches(), 4, 2)) == 2


def test_too_few_pictures_for_one_part_are_refused():
    with pytest.raises(EdgeCnnError, match="runs 4 pictures at a time"):
        parts_of([PICTURES[:3]], 4, 2)
