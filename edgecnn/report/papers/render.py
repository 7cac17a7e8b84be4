"""A table of a paper as Markdown, CSV, or text for a terminal."""

import csv
import io
from collections.abc import Sequence

from edgecnn.report.papers.cells import shown_rows
from edgecnn.report.papers.table import Table
from edgecnn.report.tables import console, print_table


def to_markdown(table: Table) -> str:
    """Return a GitHub table with its caption and notes."""
    alignment = ["---" if column.kind == "label" else "---:" for column in table.columns]
    rows = [[column.title for column in table.columns], alignment, *shown_rows(table.cells())]
    lines = ["| " + " | ".join(each.replace("|", "\\|") for each in row) + " |" for row in rows]
    notes = [f"{number}. {text}" for number, text in enumerate(table.notes, 1)]
    blocks = ([f"**{table.name}**: {table.summary}"], lines, _sources(table), notes)
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"


def to_csv(table: Table) -> str:
    """Return one header and one line for each row; figures unrounded, the notes in words at the end."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([*(column.title for column in table.columns), "notes"])
    for row in table.cells():
        numbers = sorted({number for each in row for number in each.notes})
        values = ["" if each.value is None else each.value for each in row]
        writer.writerow([*values, " ".join(table.notes[number - 1] for number in numbers)])
    return out.getvalue()


def print_paper_table(table: Table) -> None:
    """Print a table with its notes to stdout."""
    titles = [column.title.replace(", ", "\n") for column in table.columns]
    figures = [title for title, column in zip(titles, table.columns, strict=True) if column.kind != "label"]
    print_table(titles, shown_rows(table.cells()), title=f"{table.name}: {table.summary}", numeric=figures)
    notes = [f"[{number}] {text}" for number, text in enumerate(table.notes, 1)]
    for line in (*_sources(table), *notes):
        console().print(line, markup=False)


def _sources(table: Table) -> Sequence[str]:
    kinds = {column.kind for column in table.columns}
    sources = []
    if "published" in kinds:
        own = any(column.name == "source" for column in table.columns)
        sources.append(f"published: {'see the source of each row' if own else table.source}")
    if "computed" in kinds:
        sources.append("computed: by edgecnn, 1 mult-add = 1 multiplication + 1 addition")
    return ["; ".join(sources)] if sources else []


RENDERERS = {"markdown": to_markdown, "csv": to_csv}
