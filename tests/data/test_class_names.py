from pathlib import Path

import numpy as np
import pytest

from edgecnn.data.class_names import CIFAR10, known_names, name_classes, read_names
from edgecnn.errors import EdgeCnnError


@pytest.mark.parametrize(
    ("path", "classes", "first"),
    [
        ("fashion-mnist", 10, "T-shirt/top"),
        ("FashionMNIST/raw", 10, "T-shirt/top"),
        ("data/fashion/train.npz", 10, "T-shirt/top"),
        ("cifar10_test1000.npz", 10, "airplane"),
        ("CIFAR-10/test.npz", 10, "airplane"),
        ("cifar100.npz", 100, None),
        ("cifar10.npz", 9, None),
        ("mnist", 10, None),
    ],
)
def test_known_sets_are_named_by_their_path_or_its_folder(path, classes, first):
    names = known_names(Path(path), classes)
    assert (names[0] if names else None) == first
    assert len(names) in (0, classes)


def test_cifar_10_has_ten_names():
    assert len(set(CIFAR10)) == 10


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"cat\n\ndog\n", "has an empty line"),
        (b"", "has an empty line"),
        (b"cat\ndog\ncat\n", "names 'cat' twice"),
        (b"\xff\xfe\x00", "is no text in UTF-8"),
    ],
    ids=["empty line", "empty", "doubled", "no text"],
)
def test_a_file_of_names_that_is_none_is_refused(tmp_path, content, sentence):
    (tmp_path / "classes.txt").write_bytes(content)
    with pytest.raises(EdgeCnnError, match=sentence):
        read_names(tmp_path / "classes.txt")


def test_names_have_blanks_accents_and_any_line_end(tmp_path):
    (tmp_path / "classes.txt").write_bytes("\ufeffgreat dane\r\nbrötchen\r\n\r\n".encode())
    assert read_names(tmp_path / "classes.txt") == ("great dane", "brötchen")


def test_classes_that_nobody_names_are_numbers(tmp_path):
    assert name_classes(tmp_path, np.array([0, 2])) == ("0", "1", "2")
