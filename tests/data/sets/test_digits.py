import sys

import numpy as np
import pytest
from sklearn.datasets import load_digits

from edgecnn import data
from edgecnn.data.splits import held_out
from edgecnn.errors import EdgeCnnError, UnknownNameError


def test_the_splits_together_are_all_digits_and_share_none():
    train, rest = data.load("digits", "train"), data.load("digits", "held-out")
    chosen = held_out(load_digits().target)
    assert len(train) + len(rest) == 1797
    assert len(rest) == chosen.sum()
    assert np.array_equal(rest.labels, load_digits().target[chosen])
    assert np.array_equal(train.labels, load_digits().target[~chosen])


def test_every_fifth_image_of_each_class_is_held_out():
    rest = data.load("digits", "held-out")
    expected = np.bincount(load_digits().target) // 5
    assert np.array_equal(np.bincount(rest.labels), expected)


def test_levels_0_to_16_become_0_to_255():
    train = data.load("digits")
    levels = load_digits().images[~held_out(load_digits().target)]
    assert train.images.dtype == np.uint8
    assert train.images.shape == (len(train), 8, 8, 1)
    assert np.array_equal(
        train.images[..., 0], [[[round(v * 255 / 16) for v in r] for r in i] for i in levels]
    )


def test_held_out_takes_the_last_of_every_five_of_each_class():
    labels = np.array([0, 0, 0, 0, 0, 1, 1, 1, 1, 0, 1, 0])
    assert np.flatnonzero(held_out(labels)).tolist() == [4, 10]


def test_the_classes_are_the_ten_digits():
    assert data.load("digits").class_names == tuple("0123456789")


def test_without_scikit_learn_the_line_that_installs_it_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(EdgeCnnError, match=r'pip install "edgecnn\[demo\]"'):
        data.load("digits")


def test_an_unknown_data_set_is_answered_with_the_nearest():
    with pytest.raises(UnknownNameError, match="unknown data set 'digit'; did you mean digits"):
        data.load("digit")


def test_an_unknown_split_is_answered_with_the_nearest():
    with pytest.raises(UnknownNameError, match="unknown split of digits 'heldout'; did you mean held-out"):
        data.load("digits", "heldout")


@pytest.mark.parametrize("name", list(data.DATASETS))
def test_every_registered_data_set_has_a_line_about_it_and_two_splits(name):
    source = data.DATASETS[name]
    assert source.summary
    splits = {split: source.read(split) for split in data.SPLITS}
    assert {split: dataset.split for split, dataset in splits.items()} == {
        split: split for split in data.SPLITS
    }
    assert splits["train"].class_names == splits["held-out"].class_names
