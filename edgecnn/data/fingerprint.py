"""A digest by which to tell whether the pictures of a data set are still the same."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from edgecnn.data.dataset import Dataset
from edgecnn.data.files import Files


def fingerprint(dataset: Dataset) -> str:
    """Return the sha256 of pictures and answers; of files their names, sizes and times of change."""
    digest = hashlib.sha256(repr((dataset.split, dataset.class_names)).encode())
    for part in (dataset.images, dataset.labels, dataset.masks):
        for piece in _pieces(part):
            digest.update(piece)
    return digest.hexdigest()


def _pieces(part: object) -> Iterator[bytes]:
    if isinstance(part, np.ndarray):
        yield repr((part.shape, part.dtype.str)).encode()
        yield np.ascontiguousarray(part).data.cast("B").tobytes()
    elif isinstance(part, Files):
        for name in part.names:
            found = (Path(part.root) / name).stat()
            yield f"{name} {found.st_size} {found.st_mtime_ns}\n".encode()
    elif part is not None:
        yield repr(part).encode()
