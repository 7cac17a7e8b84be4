"""docs/training.md is true: its commands run, and its tables are those of the code."""

import contextlib
import io
import re
import shlex
from pathlib import Path

import pytest
import torch

from edgecnn import unfinished_run
from edgecnn.cli.main import cli
from edgecnn.cli.train import train_command
from edgecnn.optimize import streamed
from edgecnn.published_recipes import RECIPES

TEXT = (Path(__file__).parents[1] / "docs" / "training.md").read_text(encoding="utf-8")
COMMANDS = re.search(r"^```train\n(.*?)^```$", TEXT, re.M | re.S)[1].splitlines()


def table(head: str) -> list[list[str]]:
    rows = re.search(rf"^\| {head} \|.*\n\|[-|]+\n((?:\|.*\n)+)", TEXT, re.M)[1].splitlines()
    return [[cell.strip(" `") for cell in row.strip("|").split(" | ")] for row in rows]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Run every command, in one folder."""
    folder = tmp_path_factory.mktemp("docs")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # with more, a busy machine takes long to train
    with contextlib.chdir(folder), contextlib.redirect_stdout(io.StringIO()):
        for line in COMMANDS:
            program, *words = shlex.split(line)
            assert program == "edgecnn"
            cli.main(words, standalone_mode=False)
    torch.set_num_threads(threads)
    return folder


@pytest.mark.parametrize("run", ["lenet.run", "unet.run"])
def test_a_run_has_the_files_of_the_table(folder, run):
    assert sorted(row[0] for row in table("file of a run")) == sorted(
        path.name for path in (folder / run).iterdir()
    )


def test_an_unfinished_training_has_the_files_of_the_table():
    names = [unfinished_run.MARKER, unfinished_run.CHECKPOINT, unfinished_run.METRICS]
    assert [row[0] for row in table("file of an unfinished training")] == names


def test_the_recipes_are_those_of_the_code():
    recipes = {name: each.recipe for name, each in RECIPES.items()}
    expected = [
        [name, *map(str, (each.epochs, each.batch, each.lr, each.schedule, each.weight_decay))]
        for name, each in recipes.items()
    ]
    assert table("recipe") == expected


def test_every_flag_is_one_of_the_command():
    flags = {flag for option in train_command.params for flag in option.opts}
    named = set(re.findall(r"`(--[a-z-]+)", TEXT)) - {"--nproc-per-node"}
    assert named <= flags


def test_the_limit_is_that_of_the_code():
    assert streamed.LARGEST_BYTES == 1024**3
    assert "up to\n1 GiB" in TEXT
