"""The README is true: its commands are run, in its order, and print what it shows."""

import contextlib
import doctest
import io
import json
import re
import shlex
from pathlib import Path
from typing import NamedTuple

import pytest

from edgecnn.cli import main
from edgecnn.data import DATASETS
from edgecnn.devices import TARGETS
from edgecnn.models import ARCHITECTURES
from edgecnn.quantize import PASSES

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCK = re.compile(
    r"(?P<skip><!-- test: skip,[^>]*-->\n)?```(?P<language>\w+)\n(?P<body>.*?)^```$", re.M | re.S
)
BLOCKS = list(BLOCK.finditer(TEXT))
COMMAND = re.compile(r"^\$ (?P<command>[^\n]*)\n(?P<shown>(?:(?!\$ )[^\n]*\n)*)", re.M)
GENERATED = re.findall(r"^<!-- (edgecnn .*) -->\n(.*?)^<!-- end -->$", TEXT, re.M | re.S)

# What is measured differs from machine to machine: of a time nothing but that there is one is compared, of a
# line with errors or accuracies the words. What is counted is compared to the last digit.
TIME = re.compile(r"\d+(\.\d+)? (s|ms|µs)(?!\w)")
MEASURED = re.compile(r"\de-\d|max abs error|\d%")
NUMBER = re.compile(r"\d+(\.\d+)?(e[+-]?\d+)?")


class Shown(NamedTuple):
    command: str
    lines: list[str]

    def __str__(self) -> str:
        return self.command


class Ran(NamedTuple):
    code: int
    lines: list[str]
    complaints: str


def shown(*, skipped: bool) -> list[Shown]:
    blocks = [
        block["body"] for block in BLOCKS if block["language"] == "console" and bool(block["skip"]) == skipped
    ]
    found = [match for body in blocks for match in COMMAND.finditer(body)]
    return [Shown(match["command"].partition(" #")[0].strip(), lines(match["shown"])) for match in found]


def lines(text: str) -> list[str]:
    return [comparable(line) for line in text.splitlines() if line.strip()]


def comparable(line: str) -> str:
    words = TIME.sub("# s", " ".join(line.split()))
    return NUMBER.sub("#", words) if MEASURED.search(words) else words


def run(command: str) -> Ran:
    """Run the command line in this process: torch is imported once, not once for each command."""
    program, *arguments = shlex.split(command)
    assert program == "edgecnn"
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(out):
        patch.setattr("sys.argv", [program, *arguments])
        with contextlib.redirect_stderr(err), pytest.raises(SystemExit) as end:
            main()
    return Ran(end.value.code or 0, lines(out.getvalue()), err.getvalue())


RUN, SKIPPED = shown(skipped=False), shown(skipped=True)


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """Every command by its text; they run one after another, since some read what others wrote."""
    with contextlib.chdir(tmp_path_factory.mktemp("readme")):
        return {each.command: run(each.command) for each in RUN}


@pytest.mark.xdist_group("readme")
@pytest.mark.parametrize("each", RUN, ids=str)
def test_a_command_does_what_the_readme_shows(ran, each):
    done = ran[each.command]
    assert done.code == 0, done.complaints
    printed = iter(done.lines)
    for line in each.lines:
        assert line == "..." or line in printed, (
            f"{line!r} is not printed, or not in this order: {done.lines}"
        )


@pytest.mark.xdist_group("readme")
@pytest.mark.parametrize("each", RUN, ids=str)
def test_what_the_readme_leaves_out_is_marked(ran, each):
    if "..." not in each.lines:
        assert each.lines == ran[each.command].lines


@pytest.mark.parametrize(("command", "shown"), GENERATED, ids=[command for command, _ in GENERATED])
def test_a_generated_part_is_what_its_command_prints(command, shown):
    assert run(command).lines == lines(shown)


def test_the_number_of_tables_is_right():
    (number,) = re.findall(r"`edgecnn tables` prints (\d+) of them", TEXT)
    assert int(number) == len(json.loads("".join(run("edgecnn tables --json").lines))["tables"])


def test_every_command_that_is_not_run_is_a_target_of_the_makefile():
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.M))
    assert [each.command.split()[0] for each in SKIPPED] == ["make"] * len(SKIPPED)
    assert {each.command.split()[1] for each in SKIPPED} <= targets
    assert {"demo", "test"} <= {each.command.split()[1] for each in SKIPPED}


def test_every_block_is_of_a_language_that_is_run_here():
    assert {block["language"] for block in BLOCKS} == {"console", "python"}
    assert TEXT.count("```") == 2 * len(BLOCKS)


def test_the_python_examples_print_what_is_shown(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    source = "\n".join(block["body"] for block in BLOCKS if block["language"] == "python")
    example = doctest.DocTestParser().get_doctest(source, {}, "README", "README.md", 0)
    assert example.examples
    report = io.StringIO()
    result = doctest.DocTestRunner(verbose=False).run(example, out=report.write)
    assert result.failed == 0, report.getvalue()


@pytest.mark.parametrize(
    ("row", "registry"),
    [("networks", ARCHITECTURES), ("training", DATASETS), ("passes", PASSES), ("targets", TARGETS)],
    ids=["networks", "training", "passes", "targets"],
)
def test_what_works_now_is_there(row, registry):
    (cell,) = re.findall(rf"^\| {row} \| (.*) \|$", TEXT, re.M)
    names = re.findall(r"`([a-z][a-z0-9-]*)`", cell)
    assert names
    assert set(names) <= set(registry)


def test_a_measured_figure_may_differ_and_a_counted_one_may_not():
    assert comparable("model.onnx  5.08 MiB  3.19 ms") == comparable("model.onnx 5.08 MiB 880 µs")
    assert comparable("onnx → fold  2.0e-05  of 5.44") == comparable("onnx → fold  0e-1 of 5.4")
    assert comparable("model.onnx  5.08 MiB  3.19 ms") != comparable("model.onnx 5.09 MiB 3.19 ms")
    assert comparable("parameters 1,331,592") != comparable("parameters 1,331,593")
