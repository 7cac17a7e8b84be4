"""Masks in files: the class of each pixel of a picture, as a palette or gray picture of numbers.

A set whose masks have the values 0 and 255 only is binary: 255 is the foreground. In any other set, 255 marks
pixels that do not count.
"""

from collections.abc import Iterable

import numpy as np
from PIL import Image

from edgecnn.data.dataset import IGNORE
from edgecnn.data.decode import opened
from edgecnn.errors import EdgeCnnError

_LOSSY = ("JPEG", "WEBP")


def read_mask(path: str) -> np.ndarray:
    """Return uint8 (h, w): the number in each pixel of a palette or gray picture, as it was saved."""
    with opened(path) as picture:
        if picture.format in _LOSSY:
            raise EdgeCnnError(
                f"{path}: a mask in {picture.format} has lost its exact values; save it as PNG"
            )
        values = _plane(path, picture)
    highest = int(values.max())
    if highest > IGNORE or int(values.min()) < 0:
        raise EdgeCnnError(
            f"{path}: class {highest} is out of range; a mask has 0 to 254, and {IGNORE} for none"
        )
    return values.astype(np.uint8)


def _plane(path: str, picture: Image.Image) -> np.ndarray:
    values = np.asarray(picture)
    if values.ndim == 3 and picture.mode == "RGB" and (values == values[:, :, :1]).all():
        return values[:, :, 0]  # gray, saved as RGB
    if values.ndim != 2 or values.dtype.kind == "f":
        raise EdgeCnnError(
            f"{path}: a mask is a gray or palette picture of class numbers, not {picture.mode}"
        )
    return values


def read_classes(path: str, classes: int, binary: bool) -> np.ndarray:
    """Return uint8 (h, w): the class of each pixel of a mask, `IGNORE` where none counts."""
    mask = read_mask(path)
    if binary:
        mask = np.where(mask == IGNORE, 1, mask).astype(np.uint8)
    counted = mask[mask != IGNORE]
    if counted.size and int(counted.max()) >= classes:
        raise EdgeCnnError(f"{path}: class {counted.max()} is out of range; the set has {classes} classes")
    return mask


def values_of(paths: Iterable[str]) -> np.ndarray:
    """Return bool (256,): which values these masks have."""
    present = np.zeros(IGNORE + 1, bool)
    for path in paths:
        present[np.unique(read_mask(path))] = True
    return present
