"""One path, one format: what none can read, and what two could, is refused."""

import numpy as np
import pytest

from edgecnn import data
from edgecnn.data.splits import held_out
from edgecnn.errors import EdgeCnnError


def class_folders(root, folders, picture):
    return folders(root / "set", {"a": 6, "b": 6})


def listing(root, folders, picture):
    folder = folders(root / "set", {"a": 6, "b": 6})
    (folder / "list.txt").write_text("".join(f"{c}/{n:03}.png {c}\n" for c in "ab" for n in range(6)))
    return folder / "list.txt"


def unlabelled(root, folders, picture):
    for number in range(12):
        picture(root / "set" / f"{number}.jpg")
    return root / "set"


def npz(root, folders, picture):
    x = np.random.default_rng(0).integers(0, 256, (12, 8, 6, 3), np.uint8)
    np.savez(root / "set.npz", x=x, y=np.arange(12) // 6)
    return root / "set.npz"


def idx(root, folders, picture):
    for part, n in (("train", 10), ("t10k", 2)):
        pixels = np.random.default_rng(n).integers(0, 256, n * 48, np.uint8).tobytes()
        sizes = b"".join(size.to_bytes(4, "big") for size in (n, 8, 6))
        (root / f"{part}-images-idx3-ubyte").write_bytes(b"\0\0\x08\x03" + sizes + pixels)
        labels = bytes(range(2)) * (n // 2)
        (root / f"{part}-labels-idx1-ubyte").write_bytes(b"\0\0\x08\x01" + n.to_bytes(4, "big") + labels)
    return root


def cifar(root, folders, picture):
    for name, n in (("data_batch_1", 10), ("test_batch", 2)):
        rows = np.random.default_rng(n).integers(0, 10, (n, 3073), np.uint8)
        rows.tofile(root / f"{name}.bin")
    return root


def segmentation(root, folders, picture):
    for number in range(12):
        picture(root / "images" / f"{number}.jpg", (8, 6, 3))
        picture(root / "masks" / f"{number}.png", (np.arange(48) % 3).reshape(8, 6).astype(np.uint8))
    return root


MAKERS = {
    "class-folders": class_folders,
    "list": listing,
    "unlabelled": unlabelled,
    "npz": npz,
    "idx": idx,
    "cifar": cifar,
    "segmentation": segmentation,
}


def test_every_format_has_a_set_here():
    assert set(MAKERS) == set(data.FORMATS)


@pytest.fixture(params=list(MAKERS))
def made(request, tmp_path, folders, picture):
    return request.param, MAKERS[request.param](tmp_path, folders, picture)


def test_a_set_is_claimed_by_its_own_format_alone(made):
    name, path = made
    assert [known.name for known in data.FORMATS.values() if known.detects(path)] == [name]


def test_the_splits_share_their_classes_and_no_picture(made):
    train, rest = (data.load(made[1], split) for split in data.SPLITS)
    assert (len(train), len(rest)) == (10, 2)
    assert train.class_names == rest.class_names
    assert train.task == rest.task
    seen = {image.tobytes() for image in train.images}
    assert len(seen) == len(train)
    assert not seen & {image.tobytes() for image in rest.images}


def test_a_set_is_read_the_same_every_time(made):
    first, again = (data.load(made[1]) for _ in range(2))
    assert all(np.array_equal(a, b) for a, b in zip(first.images, again.images, strict=True))
    assert np.array_equal(first.labels, again.labels) or first.labels is None


def test_a_data_set_says_the_path_as_it_was_given(made, monkeypatch):
    monkeypatch.chdir(made[1].parent)
    assert str(data.load(made[1].name)) == f"{made[1].name} (train)"


def test_pictures_and_folders_of_pictures_are_two_formats(tmp_path, folders, picture):
    picture(folders(tmp_path / "set", {"a": 5, "b": 5}) / "stray.png")
    with pytest.raises(EdgeCnnError, match="could be read as class-folders and unlabelled"):
        data.load(tmp_path / "set")


@pytest.mark.parametrize("content", ["a document", "folders without pictures"])
def test_what_fits_no_format_is_answered_with_all_of_them(tmp_path, content):
    (tmp_path / "set").mkdir()
    if content == "a document":
        (tmp_path / "set" / "readme.md").write_text("nothing")
    if content == "folders without pictures":
        (tmp_path / "set" / "a").mkdir()
    with pytest.raises(
        EdgeCnnError, match="none of the formats that can be read: cifar, .*npz.*unlabelled; "
    ):
        data.load(tmp_path / "set")


def test_an_empty_folder_is_called_one(tmp_path):
    (tmp_path / "set").mkdir()
    with pytest.raises(EdgeCnnError, match="set is an empty folder"):
        data.load(tmp_path / "set")


def test_the_rule_of_every_fifth_is_that_of_the_digits(tmp_path, folders):
    dataset = data.load(folders(tmp_path / "set", {"a": 7, "b": 11}), "held-out")
    labels = np.repeat([0, 1], [7, 11])
    assert np.array_equal(dataset.labels, labels[held_out(labels)])
