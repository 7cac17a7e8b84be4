"""Measure a command as a whole process: wall time, CPU time, and the memory of its largest process.

The command is started by a small process of its own, this file run as a script: on Linux the peak that the
kernel reports for a process begins at the size of the process that forked it, so a big parent would be
measured instead of a small child.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_PEAK_UNIT = 1 if sys.platform == "darwin" else 1024  # of ru_maxrss, in bytes
_NOT_FOUND = 127
_SHOWN = 240  # characters of a failure's reason


@dataclass(frozen=True, kw_only=True)
class ProcessRun:
    """One finished command.

    Attributes:
        wall_s: from its start to its end.
        cpu_s: user and system time of it and its children.
        peak_bytes: resident memory of the largest of its processes.
        exit_code: 0 where it succeeded, negative where a signal ended it.
        output: what it wrote to stdout and stderr.
        timed_out: whether it was stopped because it took too long.
    """

    wall_s: float
    cpu_s: float
    peak_bytes: int
    exit_code: int
    output: str
    timed_out: bool = False

    def reason(self) -> str:
        """Return why the command failed, in one line; empty where it succeeded."""
        if self.timed_out:
            return f"stopped after {self.wall_s:.0f} s"
        if self.exit_code == 0:
            return ""
        lines = [line.strip() for line in self.output.splitlines() if line.strip()]
        told = next((line for line in reversed(lines) if "Error" in line or "error:" in line), None)
        last = told or (lines[-1] if lines else "no output")
        return f"exit {self.exit_code}: {last[:_SHOWN]}"


def measure(
    command: Sequence[str | Path],
    *,
    folder: Path | None = None,
    variables: Mapping[str, str] | None = None,
    timeout_s: float = 1800.0,
) -> ProcessRun:
    """Run a command to its end and return what it cost; a failure is in the result, not raised.

    Args:
        command: the program and its arguments; no shell sees them.
        folder: where it runs; by default the current one.
        variables: environment variables added to this process's own.
        timeout_s: after which it is killed together with its children.
    """
    with tempfile.TemporaryDirectory() as scratch:
        log = Path(scratch) / "log"
        request = {
            "command": [str(part) for part in command],
            "folder": None if folder is None else str(folder),
            "variables": {**os.environ, **(variables or {})},
            "timeout_s": timeout_s,
            "log": str(log),
        }
        figures = json.loads(_told(json.dumps(request)))
        return ProcessRun(output=log.read_text(errors="replace"), **figures)


def _told(request: str) -> str:
    """Return what the launcher prints; where this process is interrupted, let it stop the command first."""
    # -I and -S keep the launcher small and free of the caller's environment.
    command = [sys.executable, "-I", "-S", __file__]
    launcher = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        answer, _ = launcher.communicate(request)
    finally:
        launcher.terminate()
        launcher.wait()
    return answer


def _launch(request: Mapping[str, Any]) -> dict[str, Any]:
    """Start the command in a session of its own, wait for it, and return the figures."""
    with Path(request["log"]).open("wb") as log:
        start = time.perf_counter()
        try:
            child = subprocess.Popen(
                request["command"],
                cwd=request["folder"],
                env=request["variables"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as error:
            log.write(f"{request['command'][0]}: error: {error.strerror}\n".encode())
            return {"wall_s": 0.0, "cpu_s": 0.0, "peak_bytes": 0, "exit_code": _NOT_FOUND}
        return _wait(child.pid, start, request["timeout_s"])


def _wait(pid: int, start: float, timeout_s: float) -> dict[str, Any]:
    late = threading.Event()

    def stop() -> None:
        late.set()
        _kill(pid)

    timer = threading.Timer(timeout_s, stop)
    timer.start()
    try:
        _, status, usage = os.wait4(pid, 0)
        wall_s = time.perf_counter() - start
    finally:
        timer.cancel()
        _kill(pid)  # what it left running, or all of it where this process is interrupted
    return {
        "wall_s": wall_s,
        "cpu_s": usage.ru_utime + usage.ru_stime,
        "peak_bytes": usage.ru_maxrss * _PEAK_UNIT,
        "exit_code": os.waitstatus_to_exitcode(status),
        "timed_out": late.is_set(),
    }


def _kill(group: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # so that `finally` runs
    with contextlib.suppress(KeyboardInterrupt):
        print(json.dumps(_launch(json.load(sys.stdin))))
