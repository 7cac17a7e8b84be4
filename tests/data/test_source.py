import numpy as np
import pytest

from edgecnn import data
from edgecnn.errors import EdgeCnnError, UnknownNameError


def test_an_unknown_data_set_is_answered_with_the_nearest():
    with pytest.raises(UnknownNameError, match="unknown data set 'digit'; did you mean digits"):
        data.load("digit")


@pytest.mark.parametrize("name", ["", "a\0b", "x" * 5000], ids=["nothing", "a null", "too long"])
def test_what_can_be_no_path_is_an_unknown_name(name):
    with pytest.raises(UnknownNameError, match="unknown data set"):
        data.load(name)


@pytest.mark.parametrize("name", ["digits", "set.npz"])
def test_an_unknown_split_is_answered_with_the_nearest(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.savez("set.npz", x=np.zeros((10, 4, 4), np.uint8))
    with pytest.raises(UnknownNameError, match=f"unknown split of {name} 'heldout'; did you mean held-out"):
        data.load(name, "heldout")


@pytest.mark.parametrize("name", ["nowhere/at/all", "nowhere.npz", "./digits", "a/" + "x" * 5000])
def test_a_path_that_is_not_there_is_named(name):
    with pytest.raises(EdgeCnnError, match=f"there is no file or folder {name}"):
        data.load(name)


def test_a_name_that_is_also_a_path_is_not_guessed(tmp_path, monkeypatch, folders):
    monkeypatch.chdir(tmp_path)
    folders(tmp_path / "digits", {"a": 5, "b": 5})
    with pytest.raises(EdgeCnnError, match=r"write \./digits for the path"):
        data.load("digits")
    assert data.load("./digits").class_names == ("a", "b")
    assert data.load(tmp_path / "digits").class_names == ("a", "b")


@pytest.mark.parametrize("name", list(data.DATASETS))
def test_every_registered_data_set_has_a_line_about_it_and_two_splits(name):
    source = data.DATASETS[name]
    assert source.summary
    splits = {split: source.read(split) for split in data.SPLITS}
    assert {split: dataset.split for split, dataset in splits.items()} == {
        split: split for split in data.SPLITS
    }
    assert splits["train"].class_names == splits["held-out"].class_names
    again = source.read("held-out")
    assert np.array_equal(again.images, splits["held-out"].images)
