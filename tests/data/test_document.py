"""docs/data.md is true: its layouts are read so, its commands run, its example prints what it says."""

import contextlib
import io
import re
import shlex
from pathlib import Path

import numpy as np
import pytest

from edgecnn import data
from edgecnn.cli.main import cli

TEXT = (Path(__file__).parents[2] / "docs" / "data.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\S+) ?(\S*)\n(.*?)^```$", TEXT, re.M | re.S)
LAYOUTS = [(name, body.split()) for kind, name, body in BLOCKS if kind == "layout"]


def block(kind):
    (body,) = (body for each, _, body in BLOCKS if each == kind)
    return body


def test_every_format_has_a_section():
    assert set(re.findall(r"^### (\S+)$", TEXT, re.M)) == set(data.FORMATS)


@pytest.mark.parametrize(("name", "files"), LAYOUTS, ids=[name for name, _ in LAYOUTS])
def test_a_layout_is_read_as_its_format(tmp_path, picture, name, files):
    for file in files:
        if file.endswith(".txt"):
            continue
        mask = np.resize([0, 1], (8, 6)).astype(np.uint8)
        picture(tmp_path / file, mask if "masks/" in file else (8, 6, 3))
    root = tmp_path / Path(files[0]).parts[0]
    if name == "list":
        root = tmp_path / files[0]
        root.write_text(block("text"))
    pictures = [file for file in files if "/masks/" not in file and not file.endswith(".txt")]
    training = [file for file in pictures if "/val/" not in file]
    dataset = data.load(root)
    assert len(dataset) == len(training)
    assert data.FORMATS[name].detects(root / "train" if len(training) < len(pictures) else root)


def test_the_commands_run(tmp_path, monkeypatch, folders):
    folders(tmp_path / "pictures", {"a": 10, "b": 10})
    monkeypatch.chdir(tmp_path)
    lines = [shlex.split(line.removeprefix("$ ")) for line in block("console").splitlines()]
    for words in lines:
        with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()):
            cli.main(words[1:], standalone_mode=False)
        assert out.getvalue()
    assert [words[1] for words in lines] == ["list", "train", "eval"]


def test_the_example_prints_what_the_document_says():
    with contextlib.redirect_stdout(io.StringIO()) as out:
        exec(compile(block("python"), "docs/data.md", "exec"), {})  # noqa: S102
    assert f"prints `{out.getvalue().strip()}`" in TEXT


def test_the_numbers_are_those_of_the_code():
    from edgecnn.data import files, pixels, readable
    from edgecnn.data.formats import segmentation

    assert files._HEADERS == pixels._SAMPLE == 1024
    assert readable._FEW == segmentation._SAMPLE == 2048
    assert TEXT.count("1,024") == TEXT.count("2,048") == 2
