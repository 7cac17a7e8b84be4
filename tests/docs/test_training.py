"""docs/training.md is true: its tables are those of the code."""

import re

import pytest

from edgecnn import unfinished_run
from edgecnn.cli.train import train_command
from edgecnn.optimize import streamed
from edgecnn.published_recipes import RECIPES

from .pages import table as table_of
from .pages import text_of

PAGE = "docs/training.md"
TEXT = text_of(PAGE)


def table(head: str) -> list[list[str]]:
    return [[cell.strip("`") for cell in row] for row in table_of(PAGE, f"| {head} |")]


@pytest.mark.xdist_group(PAGE)
@pytest.mark.parametrize("run", ["lenet.run", "unet.run"])
def test_a_run_has_the_files_of_the_table(pages, run):
    files = sorted(path.name for path in (pages(PAGE) / run).iterdir())
    assert sorted(row[0] for row in table("file of a run")) == files


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
