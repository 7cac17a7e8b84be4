"""docs/mcu.md is true: a bundle has its files, and its figures are those of the code."""

import re

import pytest

import edgecnn
from edgecnn import units
from edgecnn.errors import EdgeCnnError
from edgecnn.profile.footprint import RUNTIME_BYTES

from .pages import quoted, table, text_of

PAGE = "docs/mcu.md"


@pytest.mark.xdist_group(PAGE)
def test_the_bundle_has_the_files_of_the_table(pages):
    bundle = pages(PAGE) / "digits.m7"
    named = [name for row in table(PAGE, "| file |") for name in quoted(row[0])]
    found = [path.relative_to(bundle).as_posix() for path in bundle.rglob("*") if path.is_file()]
    assert sorted(named) == sorted(found)


def test_what_is_refused_says_what_the_document_says(tmp_path):
    ints = edgecnn.Quantization(int8=True, calibrate="shapes")
    with pytest.raises(EdgeCnnError) as refused:
        edgecnn.deploy("mobilenet(res=128)", "cortex-m7", out=tmp_path / "mobilenet.m7", quantization=ints)
    ram, flash, form = re.search(
        r"needs ([\d.]+) KiB of RAM and ([\d.]+) MiB of flash, and that `([^`]+)`", text_of(PAGE)
    ).groups()
    said = re.search(r"needs ([\d.]+) KiB of RAM .* and ([\d.]+) MiB of flash", str(refused.value))
    assert (f"{float(said[1]):.0f}", f"{float(said[2]):.1f}") == (ram, flash)
    assert f"the largest of its forms that fits is {form}:" in str(refused.value)
    assert list(tmp_path.iterdir()) == []


def test_the_runtime_is_as_large_as_the_table_says():
    written = f"TFLite Micro with its kernels: {units.size(RUNTIME_BYTES).replace('.00', '')}"
    assert written in text_of(PAGE)
