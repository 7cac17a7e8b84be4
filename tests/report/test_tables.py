import pytest

from edgecnn.report import tables
from edgecnn.report.progress import progress
from edgecnn.report.tables import print_line, print_table

COLUMNS = ("layer", "kind", "cost", "weight")
ROWS = [("features.0", "Conv 3x3", "10.84 M", "3.38 KiB"), ("fc", "Gemm", "1 k", "900 B")]


@pytest.fixture
def terminal(monkeypatch):
    """Make stdout and stderr terminals of so many columns."""

    def narrow(columns):
        monkeypatch.setenv("FORCE_COLOR", "1")
        monkeypatch.setenv("NO_COLOR", "1")
        monkeypatch.setenv("TERM", "xterm")
        monkeypatch.setenv("COLUMNS", str(columns))

    return narrow


@pytest.fixture
def lines(capsys):
    return lambda: capsys.readouterr().out.splitlines()


def plain(line):
    import re

    return re.sub(r"\x1b\[[0-9;]*m", "", line).rstrip()


def test_words_stand_left_and_figures_right(lines):
    print_table(COLUMNS, ROWS, numeric=COLUMNS[2:])
    assert lines() == [
        "layer       kind         cost    weight",
        "features.0  Conv 3x3  10.84 M  3.38 KiB",
        "fc          Gemm          1 k     900 B",
    ]


def test_a_line_of_a_file_is_never_wrapped(lines, monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    words = "word " * 200
    print_table(("", ""), [("a", words.strip())])
    print_line(words)
    assert lines() == [f"a  {words.strip()}", words]


def test_no_line_ends_in_blanks(lines):
    print_table(("", ""), [("a", "short"), ("b", "a longer one")], title="title")
    assert lines() == ["title", "a  short", "b  a longer one"]


def test_markup_is_text(lines):
    print_table(("",), [("[bold]x[/bold] :smile:",)], title="[red]y")
    assert lines() == ["[red]y", "[bold]x[/bold] :smile:"]


def test_a_narrow_terminal_drops_the_optional_columns_and_says_so(lines, terminal):
    terminal(30)
    print_table(COLUMNS, ROWS, numeric=COLUMNS[2:], optional=("weight",))
    assert [plain(line) for line in lines()] == [
        "layer       kind         cost",
        "features.0  Conv 3x3  10.84 M",
        "fc          Gemm          1 k",
        "left out for want of room: weight; a wider terminal shows them",
    ]


def test_a_wide_terminal_shows_all(lines, terminal):
    terminal(39)
    print_table(COLUMNS, ROWS, numeric=COLUMNS[2:], optional=COLUMNS)
    assert plain(lines()[0]) == "layer       kind         cost    weight"


def test_a_path_is_never_broken(lines, terminal):
    terminal(20)
    print_line("bundle: " + "x" * 60)
    assert lines() == ["bundle: " + "x" * 60]


def test_progress_into_a_file_is_lines(capsys):
    with progress("first") as say:
        say("build ...")
        say("[bold]x")
    assert capsys.readouterr() == ("", "build ...\n[bold]x\n")


def test_progress_on_a_terminal_is_one_line_that_vanishes(capsys, terminal):
    terminal(80)
    with progress("first ...") as say:
        say("second ...")
    out, err = capsys.readouterr()
    assert out == ""
    assert "second ..." in err
    assert err.count("\n") == 1
    assert err.endswith("\x1b[1A\x1b[2K")  # up one line, erase it


def test_progress_on_a_dumb_terminal_is_lines(capsys, terminal, monkeypatch):
    terminal(80)
    monkeypatch.setenv("TERM", "dumb")
    with progress("first ...") as say:
        say("second ...")
    assert capsys.readouterr().err == "second ...\n"


def test_the_console_of_a_pipe_has_no_colours():
    assert not tables.console().is_terminal
