"""The examples of every page run, in its order, and print what the page shows."""

import re
import shlex

import click
import pytest

from edgecnn.cli.main import COMMANDS, cli

from .given import MAKERS
from .pages import HELD, NAMES, ROOT, RUN, Shown, blocks, commands, given
from .running import NEEDS, Ran, check, fits, is_run, lines

BLOCKS = [block for page in NAMES for block in blocks(page)]
WITH_EXAMPLES = list(dict.fromkeys(block.page for block in BLOCKS if is_run(block)))
NOT_RUN = [block for block in BLOCKS if block.needs is not None]


@pytest.mark.parametrize(
    "page", [pytest.param(page, marks=pytest.mark.xdist_group(page)) for page in WITH_EXAMPLES]
)
def test_the_examples_of_a_page_run(pages, page):
    pages(page)


@pytest.mark.parametrize("block", BLOCKS, ids=str)
def test_a_block_is_run_or_held_by_a_test_or_says_what_it_needs(block):
    if block.needs is not None:
        assert block.needs in NEEDS
        assert block.language == "console"
    else:
        assert block.language in (*RUN, *HELD) or block.path


@pytest.mark.parametrize(
    ("block", "shown"),
    [pytest.param(block, shown, id=f"{block} {block.needs}: {shown.command}")
     for block in NOT_RUN for shown in commands(block)],
)  # fmt: skip
def test_a_command_that_is_not_run_here_has_its_programs_options(block, shown):
    program, *words = shlex.split(shown.command)
    if program == "edgecnn":
        _parse(words)
    elif program == "make":
        targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.M))
        assert set(words) <= targets
    else:
        assert block.needs != "make"


def _parse(words: list[str]) -> None:
    """Let click read a command line without running it; a wrong option is an error."""
    name, *rest = words
    assert name in COMMANDS
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    while isinstance(command, click.Group):
        command = command.commands[rest.pop(0)]
    command.make_context(name, rest)


@pytest.mark.parametrize("page", NAMES)
def test_a_page_asks_for_what_can_be_given(page):
    assert set(given(page)) <= set(MAKERS)


@pytest.mark.parametrize(
    ("shown", "printed", "same"),
    [
        ("model.onnx  5.08 MiB  3.19 ms", "model.onnx 5.08 MiB 880 µs", True),
        ("model.onnx  5.08 MiB  3.19 ms", "model.onnx  5.09 MiB  3.19 ms", False),
        ("onnx → fold  2.0e-05  of 5.44", "onnx → fold  0e-1 of 5.4", True),
        ("onnx → fold  2.0e-05  of 5.44", "onnx → int8  2.0e-05  of 5.44", False),
        ("parameters 1,331,592", "parameters 1,331,593", False),
        ("net  94.37%  355 images", "net  93.80%  355 images", True),
        ("error: ... 300 fits", "error: 1e-05 is no width; 300 fits", True),
        ("error: ... 300 fits", "error: 1 is no width; 301 fits", False),
    ],
)
def test_a_measured_figure_may_differ_and_a_counted_one_may_not(shown, printed, same):
    (expected,), (line,) = lines(shown), lines(printed)
    assert fits(expected, line) == same


PAGE = """
```console
$ edgecnn list passes
...
fold  {shown}
```
**Needs a board:** as its user

```console
$ reboot
```
"""


@pytest.mark.parametrize(
    ("output", "ran"),
    [
        ("sum 3\n", Ran(code=0, printed="sum 4\n", complaints="")),
        ("sum 3\n", Ran(code=0, printed="sum 3\nmore\n", complaints="")),
        ("sum 3\n...\n", Ran(code=1, printed="sum 3\n", complaints="edgecnn: error: no\n")),
        ("b\na\n...\n", Ran(code=0, printed="a\nb\n", complaints="")),
        ("edgecnn: error: no\n", Ran(code=0, printed="edgecnn: error: no\n", complaints="")),
        ("edgecnn: error: no\n", Ran(code=1, printed="", complaints="edgecnn: error: yes\n")),
        ("", Ran(code=2, printed="", complaints="usage")),
    ],
    ids=["other figure", "more lines", "failure", "order", "success", "other error", "usage"],
)
def test_what_a_page_does_not_show_is_found(output, ran):
    block = blocks("x.md", PAGE)[0]
    with pytest.raises(AssertionError, match=r"^x.md:2: \$ edgecnn list"):
        check(Shown(command="edgecnn list", output=output), ran, block)


def test_the_parts_of_a_page_are_told_apart():
    first, second = blocks("x.md", PAGE)
    assert (first.line, first.needs, second.needs) == (2, None, "a board")
    assert [each.command for each in commands(first)] == ["edgecnn list passes"]
    assert (is_run(first), is_run(second)) == (True, False)
