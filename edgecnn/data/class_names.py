"""The names of the classes: from a file beside the pictures, or from what the set's own name says."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from edgecnn.errors import EdgeCnnError

_MOST = 1_000_000  # classes; a number above is no label
_FILES = ("classes.txt", "labels.txt")
CIFAR10 = tuple("airplane automobile bird cat deer dog frog horse ship truck".split())
_FASHION = tuple("T-shirt/top|Trouser|Pullover|Dress|Coat|Sandal|Shirt|Sneaker|Bag|Ankle boot".split("|"))
# What the name of a file or of its folder contains → the names of the classes, where there are as many.
_KNOWN = {"fashion": _FASHION, "cifar10": CIFAR10, "cifar-10": CIFAR10, "cifar_10": CIFAR10}


def is_names_file(path: Path) -> bool:
    """Return whether a file has the name of one of class names."""
    return path.name in _FILES


def names_file(folder: Path) -> Path | None:
    """Return the file classes.txt or labels.txt of a folder, where it has one."""
    return next((folder / name for name in _FILES if (folder / name).is_file()), None)


def read_names(file: Path) -> tuple[str, ...]:
    """Return the lines of a file of class names; empty lines at the end are none."""
    try:
        names = tuple(map(str.strip, file.read_text(encoding="utf-8-sig").rstrip().splitlines()))
    except UnicodeDecodeError as error:
        raise EdgeCnnError(f"{file} is no text in UTF-8, one class name a line") from error
    if not names or not all(names):
        raise EdgeCnnError(f"{file} has an empty line; it takes one class name a line")
    if len(set(names)) < len(names):
        doubled = next(name for name in names if names.count(name) > 1)
        raise EdgeCnnError(f"{file} names {doubled!r} twice; it takes one class name a line")
    return names


def check_labels(path: Path, labels: Sequence[int] | np.ndarray) -> None:
    """Raise `EdgeCnnError` where a label is no number from 0 to what a network may have outputs."""
    for label in (min(labels, default=0), max(labels, default=0)):
        if not 0 <= label < _MOST:
            raise EdgeCnnError(f"{path} has label {label}; labels are numbers from 0 and below {_MOST:,}")


def name_classes(path: Path, labels: np.ndarray) -> tuple[str, ...]:
    """Return the names of numbered classes: of classes.txt beside, else of a known set, else the numbers.

    Args:
        path: the file or folder that holds the labels.
        labels: whole numbers from 0; of all splits that are at hand.
    """
    lowest, highest = (int(labels.min()), int(labels.max())) if labels.size else (0, 0)
    check_labels(path, [lowest, highest])
    classes = highest + 1
    if file := names_file(path if path.is_dir() else path.parent):
        names = read_names(file)
        if classes > len(names):
            raise EdgeCnnError(f"{path} has label {classes - 1}, but {file} names {len(names)} classes only")
        return names
    if classes < 2:
        raise EdgeCnnError(f"{path} has pictures of {classes} class(es); a network tells 2 or more apart")
    return known_names(path, classes) or tuple(map(str, range(classes)))


def known_names(path: Path, classes: int) -> tuple[str, ...]:
    """Return the names of the classes of a set that the path or its folder names; empty where it is none."""
    words = f"{path.absolute().parent.name}/{path.name}".lower()
    return next((names for key, names in _KNOWN.items() if key in words and len(names) == classes), ())
