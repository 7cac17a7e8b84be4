"""What the documents consist of: fenced blocks, which of them is run, and why another is not."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = (
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "ARCHITECTURE.md", "CHANGELOG.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
)
NAMES = tuple(path.relative_to(ROOT).as_posix() for path in PAGES)

# Languages that no program runs, and what holds them.
HELD = {
    "arrow": "tests/docs/test_architecture.py",
    "cpp": "an excerpt of `main.cc`, which tests/export/micro/ compiles",
    "ebnf": "tests/docs/test_grammar.py",
    "layout": "tests/docs/test_data.py",
    "model": "tests/docs/test_grammar.py",
    "recipe": "tests/docs/test_grammar.py",
    "refused": "tests/docs/test_grammar.py",
    "text": "a picture in letters, or the content of a file",
    "trtexec": "tests/docs/test_bundles.py",
}
RUN = ("console", "python")

_FENCE = re.compile(r"^```(?P<info>[^\n]*)\n(?P<body>.*?)^```$", re.M | re.S)
# The line above a block that says that it is not run; readers see it, too.
_NEEDS = re.compile(r"^\*\*Needs (?P<what>[^*:]+):\*\*[^\n]*\n(?:[^\n]+\n)*\n?\Z", re.M)
_GIVEN = re.compile(r"^<!-- given: (?P<names>[^>]*?) -->$", re.M)
_COMMAND = re.compile(r"^\$ (?P<command>(?:[^\n]*\\\n)*[^\n]*)\n(?P<shown>(?:(?!\$ )[^\n]*(?:\n|\Z))*)", re.M)


@dataclass(frozen=True, kw_only=True)
class Block:
    """A fenced block: where it stands, and what its info string and the line above it say."""

    page: str
    line: int
    language: str
    path: str
    body: str
    needs: str | None

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A command of a `console` block, and the output that the page shows of it."""

    command: str
    output: str


def text_of(page: str) -> str:
    """Return a page by its path from the repository's root."""
    return (ROOT / page).read_text(encoding="utf-8")


def blocks(page: str, text: str | None = None) -> list[Block]:
    """Return the blocks of a page in their order."""
    text = text_of(page) if text is None else text
    return list(_blocks(page, text))


def _blocks(page: str, text: str) -> Iterator[Block]:
    for found in _FENCE.finditer(text):
        language, _, path = found["info"].partition(" ")
        above = _NEEDS.search(text[: found.start()])
        yield Block(
            page=page,
            line=text.count("\n", 0, found.start()) + 1,
            language=language,
            path=path,
            body=found["body"],
            needs=above and above["what"],
        )


def commands(block: Block) -> list[Shown]:
    """Return the commands of a `console` block; a line that ends in a backslash goes on."""
    return [
        Shown(
            command=found["command"].replace("\\\n", " ").partition("  #")[0].strip(), output=found["shown"]
        )
        for found in _COMMAND.finditer(block.body)
    ]


def given(page: str) -> list[str]:
    """Return the names of what has to lie in the folder before a page begins, as its comment says."""
    return [name.strip() for found in _GIVEN.finditer(text_of(page)) for name in found["names"].split(",")]


def the_block(page: str, language: str, path: str = "") -> str:
    """Return the body of the one block of a page in a language."""
    (body,) = (each.body for each in blocks(page) if (each.language, each.path) == (language, path))
    return body


def table(page: str, title: str) -> list[list[str]]:
    """Return the cells of the first table after a piece of text, without the head."""
    text = text_of(page)
    found = re.search(r"(?:^\|.*\n)+", text[text.index(title) :], re.M)
    assert found, f"{page} has no table after {title!r}"
    return [[cell.strip() for cell in row.strip("|").split(" | ")] for row in found[0].splitlines()[2:]]


def quoted(text: str) -> list[str]:
    """Return what stands between backquotes."""
    return re.findall(r"`([^`]+)`", text)


def without_blocks(page: str) -> str:
    """Return the prose of a page."""
    return _FENCE.sub("", text_of(page))
