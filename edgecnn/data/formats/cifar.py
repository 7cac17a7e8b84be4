"""CIFAR's binary version: records of one label byte (CIFAR-100: coarse and fine), then 3 x 32 x 32 bytes.

Source: Krizhevsky, "Learning multiple layers of features from tiny images", and the README of the files.
"""

import re
from pathlib import Path

import numpy as np

from edgecnn.data.arrays import Arrays, from_arrays
from edgecnn.data.class_names import CIFAR10, read_names
from edgecnn.data.dataset import SPLITS, Dataset, Split
from edgecnn.data.path_format import path_format
from edgecnn.data.splits import Place
from edgecnn.errors import EdgeCnnError

_PIXELS = (3, 32, 32)
# Of a file: which split it belongs to, how many bytes of labels come before the pixels, the names' file.
_TEN: dict[Split, str] = {"train": r"data_batch_\d+\.bin", "held-out": r"test_batch\.bin"}
_HUNDRED: dict[Split, str] = {"train": r"train\.bin", "held-out": r"test\.bin"}
_NAMES = {1: "batches.meta.txt", 2: "fine_label_names.txt"}
_UNNAMED = {1: CIFAR10, 2: tuple(map(str, range(100)))}
_KINDS = ((1, _TEN), (2, _HUNDRED))
_PICKLES = r"(data_batch_\d+|test_batch|batches\.meta)"


def _detects(path: Path) -> bool:
    names = [path.name] if path.is_file() else [each.name for each in path.iterdir()]
    patterns = [*_TEN.values(), *_HUNDRED.values(), _PICKLES]
    return any(re.fullmatch(pattern, name) for pattern in patterns for name in names)


@path_format(
    "cifar", "a folder with CIFAR's data_batch_1.bin, ..., test_batch.bin, or train.bin, test.bin", _detects
)
def read_cifar(place: Place) -> Dataset:
    """Read a split from CIFAR-10's or CIFAR-100's binary files."""
    folder = place.path if place.path.is_dir() else place.path.parent
    files = sorted([place.path] if place.path.is_file() else folder.iterdir(), key=_number)
    label_bytes, parts = _parts(place.path, files)
    if place.path.is_dir():
        place, files = place.as_whole(), parts[place.split]
        if not files:
            raise EdgeCnnError(f"{place.path} has no file of the {place.split} split")
    labels, images = zip(*(_records(file, label_bytes) for file in files), strict=True)
    named = folder / _NAMES[label_bytes]
    names = read_names(named) if named.is_file() else _UNNAMED[label_bytes]
    return from_arrays(
        place, Arrays(images=np.concatenate(images), answers=np.concatenate(labels), names=names)
    )


def _number(file: Path) -> tuple[int, str]:
    digits = re.findall(r"\d+", file.name)
    return (int(digits[-1]) if digits else 0, file.name)


def _parts(path: Path, files: list[Path]) -> tuple[int, dict[Split, list[Path]]]:
    """Return how many label bytes a record has, and the files of each split."""
    for label_bytes, patterns in _KINDS:
        parts = {split: [f for f in files if re.fullmatch(patterns[split], f.name)] for split in SPLITS}
        if any(parts.values()):
            return label_bytes, parts
    raise EdgeCnnError(
        f"{path} holds CIFAR's Python version, whose pickles run what is in them; take the binary version"
    )


def _records(file: Path, label_bytes: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the (fine) labels (n,) and the pictures (n, 32, 32, 3) of a file."""
    content = np.fromfile(file, np.uint8)
    record = label_bytes + int(np.prod(_PIXELS))
    if not content.size or content.size % record:
        raise EdgeCnnError(f"{file} is truncated: {content.size} bytes are no whole records of {record}")
    rows = content.reshape(-1, record)
    return rows[:, label_bytes - 1], rows[:, label_bytes:].reshape(-1, *_PIXELS).transpose(0, 2, 3, 1)
