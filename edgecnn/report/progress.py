"""What is going on, on stderr: one changing line on a terminal, one line after another elsewhere."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
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


@contextmanager
def bar(first: str = "") -> Iterator[Callable[[int, int, str], None]]:
    """Give a function that shows how many of how many steps are done, and which begins."""
    out = console(stderr=True)
    if not out.is_terminal or out.is_dumb_terminal:
        yield lambda done, total, text: out.print(Text(f"[{done + 1}/{total}] {text}"))
        return
    with Progress(
        BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}"), console=out, transient=True
    ) as shown:
        task = shown.add_task(first, total=None)
        yield lambda done, total, text: shown.update(
            task, completed=done, total=total, description=escape(text)
        )


def _line(text: str) -> Text:
    return Text(text, no_wrap=True, overflow="ellipsis")
