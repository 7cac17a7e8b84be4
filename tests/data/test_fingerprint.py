import os
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from edgecnn.data import load
from edgecnn.data.fingerprint import fingerprint


@pytest.fixture
def folder(tmp_path):
    """Make pictures in files, of no class."""
    for number in range(10):
        Image.new("RGB", (4, 4), (number, 0, 0)).save(tmp_path / f"{number}.png")
    return tmp_path


def test_arrays_are_known_by_their_pixels_and_labels():
    digits = load("digits")
    assert fingerprint(digits) == fingerprint(load("digits"))
    pixels, labels = digits.images.copy(), digits.labels.copy()
    pixels[5, 0, 0] ^= 1
    labels[5] = (labels[5] + 1) % 10
    others = [replace(digits, images=pixels), replace(digits, labels=labels), load("digits", "held-out")]
    assert len({fingerprint(each) for each in (digits, *others)}) == 4


def test_files_are_known_by_name_size_and_time(folder):
    before = fingerprint(load(folder))
    assert fingerprint(load(folder)) == before
    file = folder / "0.png"
    found = file.stat()
    os.utime(file, ns=(found.st_atime_ns, found.st_mtime_ns + 10**9))
    assert fingerprint(load(folder)) != before


def test_masks_count():
    shapes = load("shapes", "held-out")
    masks = np.array(shapes.masks)
    masks[0, 0, 0] ^= 1
    assert fingerprint(replace(shapes, masks=masks)) != fingerprint(shapes)
