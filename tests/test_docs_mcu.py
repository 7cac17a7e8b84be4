"""docs/mcu.md is true: its commands run, what it refuses is refused, and a bundle has its files."""

import contextlib
import io
import re
import shlex
from pathlib import Path

import pytest
import torch

from edgecnn import units
from edgecnn.cli.main import cli
from edgecnn.errors import EdgeCnnError
from edgecnn.profile.footprint import RUNTIME_BYTES

TEXT = (Path(__file__).parents[1] / "docs" / "mcu.md").read_text(encoding="utf-8")


def commands(info):
    return re.search(rf"^```{info}\n(.*?)^```$", TEXT, re.M | re.S)[1].splitlines()


@pytest.fixture
def run(tmp_path):
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with contextlib.chdir(tmp_path), contextlib.redirect_stdout(io.StringIO()):
        yield lambda line: cli.main(shlex.split(line)[1:], standalone_mode=False)
    torch.set_num_threads(threads)


def test_every_command_runs_and_the_bundle_has_the_files_of_the_table(run, tmp_path):
    for line in commands("mcu"):
        run(line)
    rows = TEXT[TEXT.index("| file |") : TEXT.index("need nothing but")]
    named = [
        name for row in re.findall(r"^\| (`.*?) \|", rows, re.M) for name in re.findall(r"`([^`]+)`", row)
    ]
    bundle = tmp_path / "digits.m7"
    found = [path.relative_to(bundle).as_posix() for path in bundle.rglob("*") if path.is_file()]
    assert sorted(named) == sorted(found)


def test_what_is_refused_says_what_the_document_says(run, tmp_path):
    (line,) = commands("refused")
    with pytest.raises(EdgeCnnError) as refused:
        run(line)
    ram, flash, form = re.search(
        r"needs ([\d.]+) KiB of RAM and ([\d.]+) MiB of flash, and that `([^`]+)`", TEXT
    ).groups()
    said = re.search(r"needs ([\d.]+) KiB of RAM .* and ([\d.]+) MiB of flash", str(refused.value))
    assert (f"{float(said[1]):.0f}", f"{float(said[2]):.1f}") == (ram, flash)
    assert f"the largest of its forms that fits is {form}:" in str(refused.value)
    assert list(tmp_path.iterdir()) == []


def test_the_runtime_is_as_large_as_the_table_says():
    assert f"TFLite Micro with its kernels: {units.size(RUNTIME_BYTES).replace('.00', '')}" in TEXT
