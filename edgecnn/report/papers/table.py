"""`Table`, and the registry of the papers' tables."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from edgecnn.registry import Registry
from edgecnn.report.papers.cells import Cell, Column, Raw, agrees, cell, split_notes

Row = Sequence[Raw]


@dataclass(frozen=True)
class Table:
    """A table with its figures computed.

    Attributes:
        name: what people type.
        summary: one line.
        source: of every published figure, unless a column `source` names another for its row.
        columns: the kinds of figures.
        rows: one cell for each column.
        notes: numbered from 1.
    """

    name: str
    summary: str
    source: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()

    def cells(self) -> list[list[Cell]]:
        """Return what stands where."""
        return [self._cells(row, self._source(row)) for row in self.rows]

    def _cells(self, row: Row, source: str) -> list[Cell]:
        return [cell(column, raw, source) for column, raw in zip(self.columns, row, strict=True)]

    def pairs(self) -> Iterator[tuple[str, Raw, Column]]:
        """Yield each printed figure with the one computed of the same name, and the computed one's column."""
        published = {column.name: at for at, column in enumerate(self.columns) if column.kind == "published"}
        for at, column in enumerate(self.columns):
            if column.kind == "computed" and column.name in published:
                for row in self.rows:
                    printed = row[published[column.name]]
                    if isinstance(printed, str) and row[at] is not None:
                        yield printed, row[at], column

    def unexplained(self) -> list[str]:
        """Return the printed figures that differ from the computed ones and have no note."""
        return [
            printed
            for printed, exact, column in self.pairs()
            if not split_notes(printed)[1] and not agrees(printed, exact, column.unit)
        ]

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON data; a row has one cell for each column."""
        return {
            "name": self.name,
            "summary": self.summary,
            "source": self.source,
            "columns": [column.title for column in self.columns],
            "rows": [[each.to_json() for each in row] for row in self.cells()],
            "notes": [{"number": number, "text": text} for number, text in enumerate(self.notes, 1)],
        }

    def _source(self, row: Row) -> str:
        own = [raw for column, raw in zip(self.columns, row, strict=True) if column.name == "source"]
        return split_notes(str(own[0]))[0] if own else self.source


@dataclass(frozen=True)
class Content:
    """What a table's function returns: rows, and the texts of the notes that they refer to."""

    rows: Sequence[Row]
    notes: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True)
class PaperTable:
    """A registered table; `compute` costs time, the rest does not."""

    name: str
    summary: str
    source: str
    columns: tuple[Column, ...]
    content: Callable[[], Content]

    def compute(self) -> Table:
        """Return the table with its figures."""
        content = self.content()
        return Table(
            self.name, self.summary, self.source, self.columns, tuple(content.rows), tuple(content.notes)
        )


PAPER_TABLES: Registry[PaperTable] = Registry(
    "table", "edgecnn.report.papers", hint="`edgecnn tables` lists all"
)


def paper_table(
    name: str, summary: str, *, source: str, columns: Sequence[Column]
) -> Callable[[Callable[[], Content]], Callable[[], Content]]:
    """Register the function that fills a table."""

    def register(content: Callable[[], Content]) -> Callable[[], Content]:
        entry = PaperTable(name=name, summary=summary, source=source, columns=tuple(columns), content=content)
        PAPER_TABLES.register(name, entry)
        return content

    return register


def paper_tables(*names: str) -> list[Table]:
    """Return tables by name, computed; without a name all of them, in the order of their numbers."""
    return [PAPER_TABLES[name].compute() for name in names or table_names()]


def table_names() -> list[str]:
    """Return the registered names, `mobilenet-2` before `mobilenet-10`."""
    return sorted(PAPER_TABLES, key=_parts)


def _parts(name: str) -> list[tuple[int, str]]:
    parts = re.split(r"(\d+)", name)
    return [(int(part), "") if part.isdigit() else (-1, part) for part in parts]


def summaries() -> list[dict[str, Any]]:
    """Return what tables there are, without computing any."""
    return [
        {
            "name": name,
            "summary": PAPER_TABLES[name].summary,
            "source": PAPER_TABLES[name].source,
            "columns": [column.title for column in PAPER_TABLES[name].columns],
        }
        for name in table_names()
    ]


def index() -> Table:
    """Return the table of tables."""
    labels = ("name", "summary", "source")
    rows = tuple(tuple(item[label] for label in labels) for item in summaries())
    return Table("tables", "print one with `edgecnn tables NAME`", "", tuple(map(Column, labels)), rows)
