import gzip

import numpy as np
import pytest

from edgecnn import data
from edgecnn.errors import EdgeCnnError


def idx(array, kind=8):
    sizes = b"".join(int(size).to_bytes(4, "big") for size in array.shape)
    return bytes([0, 0, kind, array.ndim]) + sizes + array.tobytes()


@pytest.fixture
def mnist(tmp_path, rng):
    """Write a set as MNIST comes, gzipped; return its folder."""
    folder = tmp_path / "set"
    folder.mkdir()
    for part, n in (("train", 30), ("t10k", 20)):
        images, labels = rng.integers(0, 256, (n, 5, 4), np.uint8), np.arange(n, dtype=np.uint8) % 10
        (folder / f"{part}-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx(images)))
        (folder / f"{part}-labels-idx1-ubyte.gz").write_bytes(gzip.compress(idx(labels)))
    return folder


def test_the_folder_has_both_splits(mnist):
    train, rest = (data.load(mnist, split) for split in data.SPLITS)
    assert (train.images.shape, rest.images.shape) == ((30, 5, 4, 1), (20, 5, 4, 1))
    assert train.class_names == rest.class_names == tuple("0123456789")


@pytest.mark.parametrize("name", ["fashion-mnist", "FashionMNIST"])
def test_fashion_mnist_is_known_by_its_name(mnist, name):
    assert data.load(mnist.rename(mnist.parent / name)).class_names[:2] == ("T-shirt/top", "Trouser")


def test_one_images_file_is_the_split_that_its_name_says(mnist):
    file = mnist / "t10k-images-idx3-ubyte.gz"
    assert [len(data.load(file, split)) for split in data.SPLITS] == [30, 20]


def test_unpacked_files_and_dots_in_their_names_are_read_too(mnist):
    for file in list(mnist.iterdir()):
        name = file.name.removesuffix(".gz").replace("-idx", ".idx")
        (mnist / name).write_bytes(gzip.decompress(file.read_bytes()))
        file.unlink()
    assert len(data.load(mnist, "held-out")) == 20


def test_an_unpacked_copy_beside_is_the_same_file(mnist):
    file = mnist / "train-images-idx3-ubyte.gz"
    file.with_suffix("").write_bytes(gzip.decompress(file.read_bytes()))
    assert len(data.load(mnist)) == 30


def test_without_labels_files_there_are_no_labels(mnist):
    for file in mnist.glob("*labels*"):
        file.unlink()
    assert data.load(mnist).task == "unlabelled"


def test_a_labels_file_is_answered_with_what_is_wanted(mnist):
    with pytest.raises(EdgeCnnError, match="holds labels; give the images file beside it"):
        data.load(mnist / "train-labels-idx1-ubyte.gz")


def test_a_folder_without_a_split_says_what_it_has(mnist):
    for file in mnist.glob("t10k*"):
        file.unlink()
    with pytest.raises(
        EdgeCnnError, match="has train-images-idx3-ubyte.gz and no images file of the held-out"
    ):
        data.load(mnist, "held-out")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (lambda whole: whole[: len(whole) // 2], "is truncated or damaged"),
        (lambda whole: gzip.compress(gzip.decompress(whole)[:-7]), "it says 30 x 5 x 4 and holds 593 bytes"),
        (lambda _whole: gzip.compress(b"\0\0\x08\x03\0"), "is no IDX file of unsigned bytes in 3"),
        (lambda _whole: b"text", "is no IDX file"),
        (lambda _whole: b"", "is no IDX file"),
        (lambda _whole: idx(np.zeros((30, 5, 4), np.float32), 0x0D), "is no IDX file of unsigned bytes"),
        (lambda _whole: idx(np.zeros((29, 5, 4), np.uint8)), "has 29 pictures and 30 labels"),
        (lambda _whole: b"\0\0\x08\x03" + b"\xff" * 12, "is truncated or damaged: it says 4294967295 x"),
    ],
    ids=["half a gzip", "too few bytes", "half a head", "text", "empty", "floats", "too few", "huge sizes"],
)
def test_a_damaged_file_is_refused(mnist, content, sentence):
    file = mnist / "train-images-idx3-ubyte.gz"
    file.write_bytes(content(file.read_bytes()))
    with pytest.raises(EdgeCnnError, match=sentence):
        data.load(mnist)
