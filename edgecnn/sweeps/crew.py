"""Several processes on one sweep: each with its share of the processor's cores, none outliving this one.

`python -m edgecnn.sweeps.crew SWEEP PARENT`, with the keys of the jobs on stdin, is one of them.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO

from edgecnn.errors import EdgeCnnError
from edgecnn.sweeps.store import Store
from edgecnn.sweeps.worker import POLL_S, work

_THREADS = "OMP_NUM_THREADS"
_PATIENCE_S = 20.0
_PARENT_POLL_S = 1.0


def work_together(sweep: Path, keys: Collection[str], count: int, on_change: Callable[[], None]) -> None:
    """Have so many processes do the jobs; raise `EdgeCnnError` where all have ended and jobs are left."""
    with _started(sweep, keys, count) as crew:
        while any(process.poll() is None for process, _ in crew):
            on_change()
            time.sleep(POLL_S)
        said = [_last_line(errors) for _, errors in crew]
    on_change()
    store = Store(sweep)
    try:
        left = [row for row in store.rows(keys) if row.state not in ("done", "failed")]
    finally:
        store.close()
    if left:
        reason = next(filter(None, said), "its processes were killed")
        raise EdgeCnnError(f"{len(left)} jobs are left: {reason}; the same command goes on")


Crew = list[tuple[subprocess.Popen[str], IO[str]]]


@contextmanager
def _started(sweep: Path, keys: Collection[str], count: int) -> Iterator[Crew]:
    threads = os.environ.get(_THREADS) or str(max(1, (os.cpu_count() or 1) // count))
    environment = {**os.environ, _THREADS: threads}
    with ExitStack() as opened:
        crew: Crew = []
        try:
            for _ in range(count):
                errors = opened.enter_context(tempfile.TemporaryFile("w+"))
                process = subprocess.Popen(
                    [sys.executable, "-m", "edgecnn.sweeps.crew", str(sweep), str(os.getpid())],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.DEVNULL,
                    stderr=errors,
                    text=True,
                    env=environment,
                )
                crew.append((process, errors))
                assert process.stdin is not None
                with suppress(BrokenPipeError):
                    process.stdin.write(json.dumps(list(keys)))
                    process.stdin.close()
            yield crew
        finally:
            _end(process for process, _ in crew)


def _end(processes: Iterable[subprocess.Popen[str]]) -> None:
    alive = [process for process in processes if process.poll() is None]
    for process in alive:
        process.terminate()
    for process in alive:
        try:
            process.wait(_PATIENCE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _last_line(errors: IO[str]) -> str:
    errors.seek(0)
    lines = errors.read().strip().splitlines()
    return lines[-1] if lines else ""


def _end_with(parent: int) -> None:
    """End this process when its parent is gone."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(_PARENT_POLL_S)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, daemon=True).start()


def _main(sweep: str, parent: str) -> int:
    keys = json.load(sys.stdin)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    _end_with(int(parent))
    try:
        work(Path(sweep), keys, lambda: None)
    except EdgeCnnError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(_main(*sys.argv[1:]))
