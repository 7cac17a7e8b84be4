"""What is going on, on stderr: one changing line on a terminal, one line after another elsewhere."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.text import Text

from edgecnn.report.tables import console


@contextmanager
def progress(first: str = "") -> Iterator[Callable[[str], None]]:
    """Give a function that shows its text until the next one; `first` is shown on a terminal only."""
    out = console(stderr=True)
    if not out.is_terminal or out.is_dumb_terminal:
        yield lambda text: out.print(Text(text))
        return
    with out.status(_line(first)) as status:
        yield lambda text: status.update(_line(text))


def _line(text: str) -> Text:
    return Text(text, no_wrap=True, overflow="ellipsis")
