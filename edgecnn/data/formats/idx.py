"""IDX, the format of MNIST: a magic number, the sizes, then bytes.

0 0 TYPE DIMENSIONS, then each size as a big-endian 32-bit number; TYPE 8 is unsigned bytes.
Source: LeCun, Cortes and Burges, "The MNIST database".
"""

import gzip
import math
import re
import zlib
from pathlib import Path

import numpy as np

from edgecnn.data.arrays import Arrays, from_arrays
from edgecnn.data.dataset import Dataset, Split
from edgecnn.data.path_format import path_format
from edgecnn.data.splits import Place, split_of
from edgecnn.errors import EdgeCnnError

_IMAGES = re.compile(r"images?[-._]idx3[-._]ubyte(\.gz)?$", re.IGNORECASE)
_LABELS = re.compile(r"labels?[-._]idx1[-._]ubyte(\.gz)?$", re.IGNORECASE)
_MAGIC = b"\x00\x00\x08"


def _detects(path: Path) -> bool:
    if path.is_file():
        return bool(_IMAGES.search(path.name) or _LABELS.search(path.name))
    return path.is_dir() and any(_IMAGES.search(each.name) for each in path.iterdir())


@path_format(
    "idx",
    "a folder with train-images-idx3-ubyte.gz, train-labels-idx1-ubyte.gz, t10k-... of MNIST; or one of them",
    _detects,
)
def read_idx(place: Place) -> Dataset:
    """Read a split from IDX files, gzipped or not."""
    if place.path.is_file():
        other = place.training if place.training != place.path else None
        return from_arrays(place, _pair(place.path), _pair(other).answers if other else None)
    files = _by_split(place.path)
    if place.split not in files:
        have = ", ".join(file.name for file in files.values())
        raise EdgeCnnError(f"{place.path} has {have} and no images file of the {place.split} split")
    pairs = {split: _pair(file) for split, file in files.items()}
    answers = [pair.answers for pair in pairs.values() if pair.answers is not None]
    return from_arrays(place.as_whole(), pairs[place.split], np.concatenate(answers) if answers else None)


def _by_split(folder: Path) -> dict[Split, Path]:
    files: dict[Split, Path] = {}
    for file in sorted(each for each in folder.iterdir() if _IMAGES.search(each.name)):
        split = split_of(file.name)
        if split is None:
            raise EdgeCnnError(f"{file} does not say by train or t10k in its name which split it holds")
        if split in files and f"{files[split].name}.gz" != file.name:  # packed, it is no other
            raise EdgeCnnError(f"{folder} has two images files of the {split} split; leave one there")
        files.setdefault(split, file)
    return files


def _pair(file: Path) -> Arrays:
    """Read an images file and the labels file beside it, where there is one."""
    if not _IMAGES.search(file.name):
        raise EdgeCnnError(f"{file} holds labels; give the images file beside it")
    name = re.sub("idx3", "idx1", re.sub("(?i)image", "label", file.name), flags=re.IGNORECASE)
    stem = name.removesuffix(".gz")
    labels = next(
        (file.parent / each for each in (name, stem, f"{stem}.gz") if (file.parent / each).is_file()), None
    )
    return Arrays(images=_idx(file, 3), answers=_idx(labels, 1) if labels else None)


def _idx(file: Path, dimensions: int) -> np.ndarray:
    try:
        content = file.read_bytes()
        if content.startswith(b"\x1f\x8b"):
            content = gzip.decompress(content)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise EdgeCnnError(f"{file} is truncated or damaged: {error}") from error
    head = 4 * (1 + dimensions)
    if not content.startswith(_MAGIC + bytes([dimensions])) or len(content) < head:
        raise EdgeCnnError(f"{file} is no IDX file of unsigned bytes in {dimensions} dimension(s)")
    shape = tuple(int(size) for size in np.frombuffer(content[4:head], ">u4"))
    if len(content) - head != math.prod(shape):
        raise EdgeCnnError(
            f"{file} is truncated or damaged: it says {' x '.join(map(str, shape))} and holds"
            f" {len(content) - head} bytes"
        )
    return np.frombuffer(content, np.uint8, offset=head).reshape(shape)
