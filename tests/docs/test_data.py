"""docs/data.md is true: its layouts are read so, its numbers are those of the code."""

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgecnn import data

from .pages import blocks, text_of, the_block

PAGE = "docs/data.md"
TEXT = text_of(PAGE)
LAYOUTS = [(each.path, each.body.split()) for each in blocks(PAGE) if each.language == "layout"]


def test_every_format_has_a_section():
    assert set(re.findall(r"^### (\S+)$", TEXT, re.M)) == set(data.FORMATS)


@pytest.mark.parametrize(("name", "files"), LAYOUTS, ids=[name for name, _ in LAYOUTS])
def test_a_layout_is_read_as_its_format(tmp_path, rng, name, files):
    for file in files:
        if file.endswith(".txt"):
            continue
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        mask = np.resize([0, 1], (8, 6)).astype(np.uint8)
        pixels = mask if "masks/" in file else rng.integers(0, 256, (8, 6, 3), np.uint8)
        Image.fromarray(pixels).save(tmp_path / file)
    root = tmp_path / Path(files[0]).parts[0]
    if name == "list":
        root = tmp_path / files[0]
        root.write_text(the_block(PAGE, "text"))
    pictures = [file for file in files if "/masks/" not in file and not file.endswith(".txt")]
    training = [file for file in pictures if "/val/" not in file]
    dataset = data.load(root)
    assert len(dataset) == len(training)
    assert data.FORMATS[name].detects(root / "train" if len(training) < len(pictures) else root)


def test_the_numbers_are_those_of_the_code():
    from edgecnn.data import files, pixels, readable
    from edgecnn.data.formats import segmentation

    assert files._HEADERS == pixels._SAMPLE == 1024
    assert readable._FEW == segmentation._SAMPLE == 2048
    assert TEXT.count("1,024") == TEXT.count("2,048") == 2
