import sys

import numpy as np
import pytest
from sklearn.datasets import load_digits

from edgecnn import data
from edgecnn.data.splits import held_out
from edgecnn.errors import EdgeCnnError


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


def test_the_classes_are_the_ten_digits():
    assert data.load("digits").class_names == tuple("0123456789")


def test_without_scikit_learn_the_line_that_installs_it_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(EdgeCnnError, match=r'pip install "edgecnn\[demo\]"'):
        data.load("digits")
