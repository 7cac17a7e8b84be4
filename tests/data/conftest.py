"""Small sets in the formats in which users have theirs."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

Write = Callable[..., Path]


@pytest.fixture
def picture(rng) -> Write:
    """Write one picture, random unless its pixels are given; return its path."""

    def write(path: Path, pixels=(8, 6, 3)) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        array = pixels if isinstance(pixels, np.ndarray) else rng.integers(0, 256, pixels, np.uint8)
        Image.fromarray(array).save(path)
        return path

    return write


@pytest.fixture
def folders(picture) -> Write:
    """Write a folder of classes with so many pictures each, {class: number}; return the folder."""

    def write(folder: Path, counts: dict[str, int], pixels=(8, 6, 3), suffix: str = "png") -> Path:
        for name, count in counts.items():
            (folder / name).mkdir(parents=True)
            for number in range(count):
                picture(folder / name / f"{number:03}.{suffix}", pixels)
        return folder

    return write
