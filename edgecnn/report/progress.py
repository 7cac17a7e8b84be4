"""What is going on, on stderr: one changing line on a terminal, one line after another elsewhere."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.text import Text

from edgecnn import units
from edgecnn.report.tables import console

_LINES = 10  # that tell how far a step is, where there is no terminal


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


class TimeLeft:
    """How long the rest takes at the rate since the counting began, anew where a count goes back."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._of, self._last = clock, 0, 0
        self._first, self._begin_s = 0, 0.0

    def said(self, done: int, of: int) -> str:
        """Return how much is left, in words; nothing while nothing is known of it."""
        now_s = self._clock()
        if of != self._of or done < self._last:
            self._of, self._first, self._begin_s = of, done, now_s
        self._last = done
        if done == self._first:
            return ""
        rate_s = (now_s - self._begin_s) / (done - self._first)
        return f", about {units.clock(rate_s * (of - done))} left"


@contextmanager
def counted(first: str = "") -> Iterator[tuple[Callable[[str], None], Callable[[int, int], None]]]:
    """Give a function that shows a step, and one that shows how much of it is done and when it ends."""
    out, left = console(stderr=True), TimeLeft()
    if not out.is_terminal or out.is_dumb_terminal:
        told = [0, 0]  # tenths, and of what

        def print_count(done: int, of: int) -> None:
            tenths = [done * _LINES // of, of]
            said = left.said(done, of)
            if tenths != told:
                told[:] = tenths
                out.print(Text(f"{done}/{of}{said}"))

        yield lambda text: out.print(Text(text)), print_count
        return
    with Progress(
        TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[said]}"), console=out,
        transient=True,
    ) as shown:  # fmt: skip
        task = shown.add_task(escape(first), total=None, said="")

        def begin(text: str) -> None:
            shown.update(task, description=escape(text), total=None, completed=0, said="")

        def count(done: int, of: int) -> None:
            shown.update(task, completed=done, total=of, said=f"{done}/{of}{left.said(done, of)}")

        yield begin, count


def _line(text: str) -> Text:
    return Text(text, no_wrap=True, overflow="ellipsis")
