"""Holding back what a native library writes to stderr: one known line, or all of it for a better sentence."""

import os
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

_STDERR = 2
_ONE_AT_A_TIME = threading.Lock()  # the file descriptor is the whole process's


@contextmanager
def without_line(line: bytes) -> Iterator[None]:
    """Hold back what is written to file descriptor 2 within the block; afterwards write it, less `line`.

    Where nothing can be held back, for want of a stderr or of room for a temporary file, all is written.
    """
    said: list[bytes] = []
    try:
        with captured(said):
            yield
    finally:
        kept = [each for each in said if each.rstrip() != line]
        if kept:
            with suppress(OSError):
                os.write(_STDERR, b"".join(kept))


@contextmanager
def captured(said: list[bytes]) -> Iterator[None]:
    """Hold back what is written to file descriptor 2 within the block; its lines are in `said` afterwards.

    Where nothing can be held back, all is written, and `said` stays as it is.
    """
    with _ONE_AT_A_TIME, ExitStack() as stack:
        try:
            held = stack.enter_context(tempfile.TemporaryFile(buffering=0))
            real = os.dup(_STDERR)
        except OSError:
            yield
            return
        _flush()
        os.dup2(held.fileno(), _STDERR)
        try:
            yield
        finally:
            _flush()
            os.dup2(real, _STDERR)
            os.close(real)
            held.seek(0)
            said += held.read().splitlines(keepends=True)


def _flush() -> None:
    with suppress(OSError, ValueError, AttributeError):  # closed, or None
        sys.stderr.flush()
