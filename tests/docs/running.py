"""Running the blocks of a page, in its order, in one folder and one Python."""

import contextlib
import doctest
import io
import re
import shlex
import subprocess
import sys
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from edgecnn.cli import main
from edgecnn.devices.emulator import is_created

from .pages import HELD, RUN, Block, Shown, blocks, commands


def _never() -> bool:
    return False


# What a block may need, and whether that is here: then it is run like any other.
NEEDS: Mapping[str, Callable[[], bool]] = {
    "a board": _never,
    "a GPU": _never,
    "an emulated board": is_created,
    "make": _never,
    "the network": _never,
    "torchrun": _never,
}

# What is measured differs from machine to machine: of a time nothing but that there is one is compared, of a
# line with errors or accuracies the words. What is counted is compared to the last digit.
_TIME = re.compile(r"\d+(\.\d+)? (s|ms|µs)(?!\w)")
_MEASURED = re.compile(r"\de-\d|max abs error|\d%|differ by up to")
_NUMBER = re.compile(r"\d+(\.\d+)?(e[+-]?\d+)?")


@dataclass(frozen=True, kw_only=True)
class Ran:
    """A command that has run: its exit code, what it printed, and its complaints."""

    code: int
    printed: str
    complaints: str


@dataclass
class Shell:
    """A place where the commands of a page run one after another."""

    folder: Path
    names: dict[str, Any] = field(default_factory=lambda: {"__name__": "page"})

    def run(self, command: str) -> Ran:
        """Run a command line: `edgecnn` in this process, since torch is imported once, Python in its own."""
        program, *words = _words(command, self.folder)
        if program == "cd":
            (place,) = words
            self.folder = (self.folder / place).resolve(strict=True)
            return Ran(code=0, printed="", complaints="")
        if program == "edgecnn":
            return self._edgecnn(words)
        assert program in ("python", "python3"), f"{program} is no program that a page may run"
        done = subprocess.run(
            [sys.executable, "-B", *words], cwd=self.folder, capture_output=True, text=True, check=False
        )
        return Ran(code=done.returncode, printed=done.stdout, complaints=done.stderr)

    def _edgecnn(self, words: list[str]) -> Ran:
        out, err = io.StringIO(), io.StringIO()
        printed, complaints = contextlib.redirect_stdout(out), contextlib.redirect_stderr(err)
        with pytest.MonkeyPatch.context() as patch, contextlib.chdir(self.folder), printed, complaints:
            patch.setattr("sys.argv", ["edgecnn", *words])
            with pytest.raises(SystemExit) as end:
                main()
        return Ran(code=int(end.value.code or 0), printed=out.getvalue(), complaints=err.getvalue())

    def python(self, block: Block) -> None:
        """Run a block: lines with `>>>` print what stands below them, others have to run."""
        with contextlib.chdir(self.folder), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of other libraries: a reader sees them, and goes on
            if not block.body.startswith(">>> "):
                with contextlib.redirect_stdout(io.StringIO()):
                    code = "\n" * block.line + block.body
                    exec(compile(code, block.page, "exec"), self.names)  # noqa: S102
                return
            example = doctest.DocTestParser().get_doctest(
                block.body, self.names, str(block), block.page, block.line
            )
            report = io.StringIO()
            example.globs = self.names
            result = doctest.DocTestRunner(verbose=False, optionflags=doctest.ELLIPSIS).run(
                example, out=report.write, clear_globs=False
            )
            assert result.failed == 0, report.getvalue()


def run_page(page: str, folder: Path) -> None:
    """Run every block of a page that can run here; the first that does not do what it shows ends it."""
    shell = Shell(folder)
    for block in blocks(page):
        if not is_run(block):
            continue
        if block.language == "python":
            shell.python(block)
        elif block.language == "console":
            for shown in commands(block):
                check(shown, shell.run(shown.command), block)
        else:
            _write(shell.folder / block.path, block.body)


def is_run(block: Block) -> bool:
    """Return whether a block is run, or written to a file, here."""
    if block.needs is not None:
        return NEEDS[block.needs]()
    return block.language in RUN or (bool(block.path) and block.language not in HELD)


def check(shown: Shown, ran: Ran, block: Block) -> None:
    """Hold a command to what the page shows: `...` stands for lines left out, no line for all of them."""
    expected = lines(shown.output)
    fails = any(line.startswith("edgecnn: error:") for line in expected)
    where = f"{block}: $ {shown.command}"
    assert ran.code == int(fails), f"{where}\nended with {ran.code}: {ran.complaints}{ran.printed}"
    errors = [line for line in ran.complaints.splitlines() if line.startswith("edgecnn: error:")]
    printed = lines("\n".join([*ran.printed.splitlines(), *errors]))
    if expected and "..." not in expected:
        assert len(expected) == len(printed), f"{where}\nprints, without a line ... in the page: {printed}"
    rest = iter(printed)
    for line in expected:
        assert line == "..." or any(fits(line, each) for each in rest), (
            f"{where}\n{line!r} is not printed, or not in this order: {printed}"
        )


def lines(text: str) -> list[str]:
    """Return the lines of an output, without empty ones, with one blank between words and without times."""
    return [_TIME.sub("# s", " ".join(line.split())) for line in text.splitlines() if line.strip()]


def fits(expected: str, line: str) -> bool:
    """Return whether a line is what is shown, but for measured figures; `...` in it stands for anything."""
    if _MEASURED.search(line):
        expected, line = _NUMBER.sub("#", expected), _NUMBER.sub("#", line)
    return re.fullmatch(re.escape(expected).replace(re.escape("..."), ".*"), line) is not None


def _words(command: str, folder: Path) -> list[str]:
    """Return the words of a command, patterns of files replaced by what they match."""
    found: list[str] = []
    for word in shlex.split(command):
        matches = sorted(folder.glob(word)) if "*" in word else []
        found += [path.relative_to(folder).as_posix() for path in matches] or [word]
    return found


def _write(path: Path, content: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")
