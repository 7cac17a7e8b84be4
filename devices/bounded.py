"""Run a program on this machine, with bounds on its time and on what it may print."""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import IO

from edgecnn.errors import EdgeCnnError

TIMED_OUT = 124  # as coreutils' `timeout` says it
_PIECE = 1 << 16
_LOOK_S = 0.2  # between two looks at what it has printed so far


@dataclass(frozen=True, kw_only=True)
class Ran:
    """How a program ended: exit code (negative: the signal), and what it printed, up to the bounds."""

    code: int
    out: bytes
    err: bytes


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """What a program may take: seconds, and bytes on stdout and stderr.

    `leaves` says that it may leave something in the background, which is not ended with it.
    """

    timeout_s: float
    out_bytes: int = 1 << 20
    err_bytes: int = 1 << 16
    leaves: bool = False


class TooMuchError(EdgeCnnError):
    """The program printed more than it may."""


def run(
    words: Sequence[str],
    bounds: Bounds,
    given: IO[bytes] | None = None,
    on_out: Callable[[bytes], None] | None = None,
) -> Ran:
    """Run a program to its end; `given` is its stdin, and `on_out` gets its stdout while it runs.

    Too much on stderr is dropped. A program that takes too long is killed, with code `TIMED_OUT`.

    Raises:
        TooMuchError: there was more on stdout than allowed; the program is killed.
        EdgeCnnError: there is no such program.
    """
    try:
        process = subprocess.Popen(
            words,
            stdin=given if given is not None else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except FileNotFoundError:
        raise EdgeCnnError(f"{words[0]} is not installed on this machine; install it") from None
    out, err = (
        _Reader(process, process.stdout, bounds.out_bytes, on_data=on_out),
        _Reader(process, process.stderr, bounds.err_bytes, drop=True),
    )
    try:
        left_s = bounds.timeout_s if on_out is None else _listen(process, out, bounds.timeout_s)
        code = _wait(process, out, err, left_s)
        out.hand_on()
    finally:
        if process.poll() is None or not bounds.leaves:
            _kill(process)
    if out.too_much:
        raise TooMuchError(f"{words[0]} printed more than {bounds.out_bytes} bytes")
    return Ran(code=code, out=bytes(out.data), err=bytes(err.data))


class _Reader(threading.Thread):
    """Reads a pipe up to a bound; beyond it drops the rest, or kills the program."""

    def __init__(
        self,
        process: subprocess.Popen[bytes],
        pipe: IO[bytes] | None,
        most: int,
        *,
        drop: bool = False,
        on_data: Callable[[bytes], None] | None = None,
    ) -> None:
        super().__init__(daemon=True)
        assert pipe is not None
        self.data, self.too_much = bytearray(), False
        self._process, self._pipe, self._most, self._drop = process, pipe, most, drop
        self._on_data, self._heard = on_data, 0
        self.start()

    def hand_on(self) -> None:
        """Give what was read since the last call to who asked for it, in the thread that calls."""
        if self._on_data is not None and (piece := bytes(self.data[self._heard :])):
            self._heard += len(piece)
            self._on_data(piece)

    def run(self) -> None:
        with self._pipe:
            while piece := self._pipe.read1(_PIECE):  # type: ignore[attr-defined]
                room = self._most - len(self.data)
                self.data += piece[: max(room, 0)]
                if len(piece) > room and not self._drop:
                    self.too_much = True
                    _kill(self._process)
                    return


def _listen(process: subprocess.Popen[bytes], out: _Reader, timeout_s: float) -> float:
    """Hand on what is printed, in this thread, until the program ends; return the seconds that are left."""
    until = time.monotonic() + timeout_s
    while (left_s := until - time.monotonic()) > 0 and process.poll() is None:
        with suppress(subprocess.TimeoutExpired):
            process.wait(min(_LOOK_S, left_s))
        out.hand_on()
    return max(0.0, left_s)


def _wait(process: subprocess.Popen[bytes], out: _Reader, err: _Reader, timeout_s: float) -> int:
    until = time.monotonic() + timeout_s
    try:
        code = process.wait(timeout_s)
    except subprocess.TimeoutExpired:
        _kill(process)
        code = TIMED_OUT
    for reader in (out, err):
        # Something that the program has left behind may hold the pipe open.
        reader.join(max(0.2, min(5.0, until - time.monotonic())))
    return code


def _kill(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    if process.poll() is None:
        process.kill()
        process.wait()
