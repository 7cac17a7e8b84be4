"""Tables on stdout; plain text where stdout is no terminal, so that they can be piped."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

_PIPE_WIDTH = 160


def print_table(
    columns: Sequence[str], rows: Sequence[Sequence[str]], *, title: str = "", numeric: Sequence[str] = ()
) -> None:
    """Print a table; the columns named in `numeric` are aligned to the right."""
    table = Table(box=None, pad_edge=False, show_header=any(columns))
    for column in columns:
        table.add_column(column, justify="right" if column in numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    out = console()
    if title:
        out.print(Text(title, style="bold"))
    out.print(table)


def console(*, stderr: bool = False) -> Console:
    """Return where to print: never wrapped at 80 columns when piped, never highlighted by guess."""
    found = Console(stderr=stderr, highlight=False, soft_wrap=False)
    if not found.is_terminal:
        found = Console(stderr=stderr, highlight=False, width=_PIPE_WIDTH)
    return found
