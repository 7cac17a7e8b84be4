import numpy as np
import pytest

from edgecnn import data
from edgecnn.errors import EdgeCnnError


def test_the_classes_are_the_folders_in_alphabetical_order(tmp_path, folders):
    dataset = data.load(folders(tmp_path / "set", {"dog": 2, "cat": 1, "10": 1, "9": 1}))
    assert dataset.class_names == ("10", "9", "cat", "dog")
    assert dataset.labels.tolist() == [0, 1, 2, 3, 3]


def test_classes_txt_gives_their_order_and_may_name_a_class_that_has_no_folder(tmp_path, folders):
    folder = folders(tmp_path / "set", {"dog": 2, "cat": 1})
    (folder / "classes.txt").write_text("wolf\ndog\ncat\n")
    dataset = data.load(folder)
    assert dataset.class_names == ("wolf", "dog", "cat")
    assert dataset.labels.tolist() == [2, 1, 1]


def test_a_folder_that_classes_txt_lacks_is_refused(tmp_path, folders):
    folder = folders(tmp_path / "set", {"dog": 2, "cat": 1})
    (folder / "classes.txt").write_text("dog\nwolf\n")
    with pytest.raises(EdgeCnnError, match=r"set/cat is no class that .*classes.txt has \(1 such folder"):
        data.load(folder)


def test_a_class_may_have_no_pictures(tmp_path, folders):
    dataset = data.load(folders(tmp_path / "set", {"a": 1, "b": 0, "c": 1}))
    assert dataset.class_names == ("a", "b", "c")
    assert dataset.labels.tolist() == [0, 2]


def test_pictures_of_a_class_may_lie_deeper(tmp_path, folders, picture):
    picture(folders(tmp_path / "set", {"a": 1, "b": 1}) / "a" / "more" / "x.JPEG")
    assert data.load(tmp_path / "set").labels.tolist() == [0, 0, 1]


def test_hidden_folders_and_other_files_do_not_count(tmp_path, folders, picture):
    folder = folders(tmp_path / "set", {"a": 1, "b": 1})
    picture(folder / ".thumbnails" / "x.png")
    picture(folder / "__MACOSX" / "x.png")
    picture(folder / "a" / "._000.png")
    (folder / "a" / "notes.txt").write_text("of no class")
    dataset = data.load(folder)
    assert (dataset.class_names, len(dataset), dataset.skipped) == (("a", "b"), 2, ())


def test_what_cannot_be_read_is_left_out_and_named(tmp_path, folders):
    folder = folders(tmp_path / "set", {"a": 3, "b": 1})
    (folder / "a" / "001.png").write_text("text")
    dataset = data.load(folder)
    assert dataset.labels.tolist() == [0, 0, 1]
    assert dataset.skipped == ("a/001.png: the file is no picture",)


def test_a_broken_picture_moves_no_other_to_another_split(tmp_path, folders):
    folder = folders(tmp_path / "set", {"a": 10, "b": 10})
    before = [image.tobytes() for image in data.load(folder, "held-out").images]
    (folder / "a" / "001.png").write_text("text")
    assert [image.tobytes() for image in data.load(folder, "held-out").images] == before


def test_sizes_may_differ(tmp_path, folders, picture):
    picture(folders(tmp_path / "set", {"a": 1, "b": 1}) / "a" / "x.png", (3, 20, 3))
    dataset = data.load(tmp_path / "set")
    assert dataset.size is None
    assert [image.shape for image in dataset.images] == [(8, 6, 3), (3, 20, 3), (8, 6, 3)]


def test_validation_has_the_classes_of_training(tmp_path, folders):
    folders(tmp_path / "train", {"a": 1, "b": 1, "c": 1})
    folders(tmp_path / "val", {"c": 2})
    dataset = data.load(tmp_path, "held-out")
    assert dataset.class_names == ("a", "b", "c")
    assert dataset.labels.tolist() == [2, 2]


def test_classes_txt_may_lie_beside_the_splits(tmp_path, folders):
    folders(tmp_path / "train", {"a": 1, "b": 1})
    folders(tmp_path / "val", {"a": 1})
    (tmp_path / "classes.txt").write_text("b\na\n")
    assert data.load(tmp_path, "held-out").labels.tolist() == [1]


def test_a_class_that_training_lacks_is_refused(tmp_path, folders):
    folders(tmp_path / "train", {"a": 1, "b": 1})
    folders(tmp_path / "val", {"a": 1, "z": 1})
    with pytest.raises(EdgeCnnError, match=r"val/z is no class that .*train has"):
        data.load(tmp_path, "held-out")


def test_one_class_is_nothing_to_tell_apart(tmp_path, folders):
    with pytest.raises(EdgeCnnError, match="has one class, a; a network tells 2 or more apart"):
        data.load(folders(tmp_path / "set", {"a": 3}))


def test_where_no_picture_can_be_read_the_first_reason_is_named(tmp_path, folders):
    folder = folders(tmp_path / "set", {"a": 1, "b": 1})
    for name in "ab":
        (folder / name / "000.png").write_text("text")
    with pytest.raises(EdgeCnnError, match="no picture that can be read for train; the first is a/000.png"):
        data.load(folder)


def test_ten_thousand_classes_are_told_apart(tmp_path, picture):
    content = picture(tmp_path / "one.png", np.zeros((1, 1), np.uint8)).read_bytes()
    for number in range(10_000):
        folder = tmp_path / "set" / f"n{number:05}"
        folder.mkdir(parents=True)
        if number % 100 == 0:
            (folder / "0.png").write_bytes(content)
    dataset = data.load(tmp_path / "set")
    assert len(dataset.class_names) == 10_000
    assert dataset.labels.tolist() == list(range(0, 10_000, 100))
