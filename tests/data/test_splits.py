"""Which pictures are held out: the three rules."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgecnn.data.splits import held_out, locate, split_of
from edgecnn.errors import EdgeCnnError


def test_held_out_takes_the_last_of_every_five_of_each_class():
    labels = np.array([0, 0, 0, 0, 0, 1, 1, 1, 1, 0, 1, 0])
    assert np.flatnonzero(held_out(labels)).tolist() == [4, 10]


@given(st.lists(st.integers(0, 5), max_size=60), st.integers(1, 7))
def test_held_out_counts_within_each_class(labels, every):
    expected, seen = [], {}
    for label in labels:
        seen[label] = seen.get(label, 0) + 1
        expected.append(seen[label] % every == 0)
    assert held_out(np.array(labels, np.int64), every).tolist() == expected


@pytest.mark.parametrize(
    ("name", "split"),
    [
        ("train", "train"),
        ("cifar10_train2000.npz", "train"),
        ("TRAIN.txt", "train"),
        ("train-images-idx3-ubyte.gz", "train"),
        ("t10k-images-idx3-ubyte.gz", "held-out"),
        ("val.txt", "held-out"),
        ("cifar10_test1000.npz", "held-out"),
        ("x-held-out.npz", "held-out"),
        ("validation.lst", "held-out"),
        ("latest.npz", None),
        ("trains.npz", None),
        ("evaluation.txt", None),
        ("digits.npz", None),
        ("train_and_test.npz", None),
    ],
)
def test_a_name_says_a_split_by_a_word_of_its_own(name, split):
    assert split_of(name) == split


@pytest.fixture
def tree(tmp_path):
    """Make empty files, and folders where a name ends with a slash; return the folder."""

    def make(*names):
        for name in names:
            path = tmp_path / name
            path.mkdir(parents=True) if name.endswith("/") else path.touch()
        return tmp_path

    return make


@pytest.mark.parametrize("word", ["val", "valid", "validation", "test", "held-out", "held_out", "Test"])
def test_a_folder_says_its_splits_by_the_names_of_two_folders(tree, word):
    folder = tree("train/", f"{word}/")
    place = locate(folder, "held-out")
    assert (place.path, place.whole, place.training) == (folder / word, True, folder / "train")
    assert locate(folder, "train").path == folder / "train"


def test_val_goes_before_test_and_other_folders_do_no_harm(tree):
    assert locate(tree("train/", "val/", "test/", "docs/"), "held-out").path.name == "val"


def test_a_class_of_a_split_s_name_is_no_split(tree):
    assert not locate(tree("car/", "plane/", "train/"), "train").whole


def test_a_folder_with_one_split_has_no_other(tree):
    with pytest.raises(EdgeCnnError, match="has the held-out pictures only.*named alike with train"):
        locate(tree("val/"), "train")


def test_a_folder_named_as_a_split_goes_with_its_sibling(tree):
    folder = tree("train/", "val/", "test/")
    assert locate(folder / "test", "held-out").path == folder / "test"
    assert locate(folder / "test", "train").path == folder / "train"
    assert locate(folder / "train", "held-out").path == folder / "val"


def test_a_file_named_as_a_split_goes_with_the_one_that_differs_in_that_word(tree):
    folder = tree("c_test1000.npz", "c_train2000.npz", "d_train.npz", "c_train.txt")
    for split, name in (("held-out", "c_test1000.npz"), ("train", "c_train2000.npz")):
        assert {locate(folder / each, split).path.name for each in ("c_test1000.npz", "c_train2000.npz")} == {
            name
        }


def test_two_siblings_are_no_answer(tree):
    folder = tree("test.npz", "train1.npz", "train2.npz")
    with pytest.raises(EdgeCnnError, match=r"goes with one of train1.npz, train2.npz"):
        locate(folder / "test.npz", "train")


def test_a_file_that_is_held_out_has_no_training_pictures(tree):
    folder = tree("test.npz")
    assert locate(folder / "test.npz", "held-out").whole
    with pytest.raises(EdgeCnnError, match="has the held-out pictures only"):
        locate(folder / "test.npz", "train")


@pytest.mark.parametrize("name", ["set.npz", "test_run0/"])
def test_any_other_name_says_nothing(tree, name):
    assert not locate(tree(name) / name, "train").whole


def test_where_no_class_has_five_none_is_held_out(tmp_path):
    place = locate(tmp_path, "held-out")
    with pytest.raises(EdgeCnnError, match="no class has five"):
        place.chosen(np.array([0, 0, 0, 0, 1, 1]))
