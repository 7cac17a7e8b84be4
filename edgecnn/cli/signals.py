"""Ctrl-C and SIGTERM unwind the stack, so that what is half written is removed."""

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_IMPATIENCE_S = 2.0  # a second signal this soon is for the same end, and must not interrupt the cleaning up


class Terminated(BaseException):
    """SIGTERM has come."""


@contextmanager
def noting(*errors: type[BaseException]) -> Iterator[None]:
    """Where a signal, or one of these errors, ends the block, say what is noted about it: how to go on."""
    import click

    caught: tuple[type[BaseException], ...] = (KeyboardInterrupt, Terminated, *errors)
    try:
        yield
    except caught as interruption:
        for note in getattr(interruption, "__notes__", ()):
            click.echo(note, err=True)
        raise


@contextmanager
def unwinding() -> Iterator[None]:
    """Within the block, SIGINT raises `KeyboardInterrupt` and SIGTERM `Terminated`, each once."""
    if threading.current_thread() is not threading.main_thread():
        yield  # signals belong to the main thread
        return
    last_s = -_IMPATIENCE_S

    def unwind(number: int, _frame: FrameType | None) -> None:
        nonlocal last_s
        before_s, last_s = last_s, time.monotonic()
        if last_s - before_s >= _IMPATIENCE_S:
            raise KeyboardInterrupt if number == signal.SIGINT else Terminated

    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    # Ignored ones stay so: they are in the background of a script, say. None is another library's.
    before = {number: each for number, each in handlers.items() if each not in (signal.SIG_IGN, None)}
    for number in before:
        signal.signal(number, unwind)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
