"""Tables on stdout; plain text where stdout is no terminal, so that they can be piped."""

from collections.abc import Sequence

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

_PIPE_WIDTH = 10_000  # a line of a file is never wrapped
_GAP = 2


def print_table(
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    title: str = "",
    numeric: Sequence[str] = (),
    optional: Sequence[str] = (),
) -> None:
    """Print a table.

    Args:
        columns: headings; where all are empty, there is no line of headings.
        rows: one cell for each column.
        title: a line above.
        numeric: columns that are aligned to the right and never broken.
        optional: columns that are left out, from the last one on, where the terminal is too narrow for all.
    """
    out = console()
    shown = _fitting(columns, rows, optional, out.width)
    table = Table(box=None, pad_edge=False, show_header=any(columns), padding=(0, _GAP, 0, 0))
    for index in shown:
        right = index > 0 and columns[index] in numeric
        table.add_column(columns[index], justify="right" if right else "left", no_wrap=right, overflow="fold")
    for row in rows:
        table.add_row(*(Text(row[index]) for index in shown))
    if title:
        print_line(title, style="bold")
    with out.capture() as captured:
        out.print(table)
    lines = captured.get().splitlines()
    out.file.write("".join(f"{line.rstrip()}\n" for line in lines))
    left_out = [name for index, name in enumerate(columns) if index not in shown]
    if left_out:
        print_line(f"left out for want of room: {', '.join(left_out)}; a wider terminal shows them")


def print_line(text: str, *, style: str = "") -> None:
    """Print one line that is never broken, such as a path that is to be copied."""
    console().print(Text(text, style=style), soft_wrap=True)


def console(*, stderr: bool = False) -> Console:
    """Return where to print: never wrapped at 80 columns when piped, never highlighted by guess."""
    found = Console(stderr=stderr, highlight=False, soft_wrap=False)
    if not found.is_terminal:
        found = Console(stderr=stderr, highlight=False, width=_PIPE_WIDTH)
    return found


def _fitting(
    columns: Sequence[str], rows: Sequence[Sequence[str]], optional: Sequence[str], width: int
) -> list[int]:
    """Return the positions of the columns that fit side by side; those that are not optional always do."""
    sizes = [max(map(cell_len, cells)) for cells in zip(columns, *rows, strict=True)]
    shown = list(range(len(columns)))
    for name in reversed(optional):
        if sum(sizes[index] + _GAP for index in shown) - _GAP <= width:
            break
        shown.remove(columns.index(name))
    return shown
