import pickle

import numpy as np
import pytest

from edgecnn.data.files import picture_files


@pytest.fixture
def files(tmp_path, picture):
    return picture_files(tmp_path, [picture(tmp_path / f"{n}.png", (4 + n, 5, 3)).name for n in range(5)])


def test_a_picture_is_read_by_its_position(files):
    assert [image.shape for image in files] == [(4 + n, 5, 3) for n in range(5)]
    assert np.array_equal(files[-1], files[4])


def test_a_slice_is_a_sequence_again(files):
    assert [image.shape[0] for image in files[1:3]] == [5, 6]
    assert len(files[::2]) == 3


def test_beyond_the_last_there_is_none(files):
    with pytest.raises(IndexError):
        files[5]


def test_they_can_be_sent_to_another_process(files):
    sent = pickle.loads(pickle.dumps(files))  # noqa: S301
    assert all(np.array_equal(a, b) for a, b in zip(sent, files, strict=True))


@pytest.mark.parametrize(
    ("kinds", "channels"),
    [(["gray", "gray"], 1), (["gray", "colour"], 3), (["colour", "colour"], 3)],
    ids=["all gray", "mixed", "all colour"],
)
def test_they_are_gray_where_every_one_is(tmp_path, picture, kinds, channels):
    shapes = {"gray": (4, 4), "colour": (4, 4, 3)}
    names = [picture(tmp_path / f"{n}.png", shapes[kind]).name for n, kind in enumerate(kinds)]
    assert [image.shape for image in picture_files(tmp_path, names)] == [(4, 4, channels)] * 2
