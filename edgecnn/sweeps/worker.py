"""One process that does jobs of a sweep until there is none left, beside others that do the same."""

import errno
import threading
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from edgecnn.errors import EdgeCnnError
from edgecnn.sweeps.owner import identity
from edgecnn.sweeps.store import BEAT_S, LostError, Row, Store
from edgecnn.sweeps.work import DO

POLL_S = 1.0
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)


def work(sweep: Path, keys: Collection[str], on_change: Callable[[], None]) -> None:
    """Do jobs until all of `keys` are done or failed, by this process or by others.

    Args:
        sweep: its file or folder.
        keys: of the jobs.
        on_change: called now and then, and whenever something is finished.
    """
    store, owner = Store(sweep), identity()
    try:
        while True:
            store.settle(keys)
            row = store.claim(owner, keys)
            if row is not None:
                _do(store, sweep, row, owner, on_change)
            elif all(each.state in ("done", "failed") for each in store.rows(keys)):
                return
            else:
                time.sleep(POLL_S)  # what is left is another's, or waits for what is
            on_change()
    finally:
        with suppress(EdgeCnnError):
            store.release(owner)
        store.close()


def _do(store: Store, sweep: Path, row: Row, owner: str, on_change: Callable[[], None]) -> None:
    began = time.monotonic()
    with suppress(LostError):
        try:
            with _beating(sweep, owner, row.key) as say:

                def progress(share: float) -> None:
                    say(share)
                    on_change()

                result = DO[row.kind](store, row, progress)
        except (EdgeCnnError, OSError, MemoryError, RuntimeError) as error:
            if _is_full(error):
                raise  # the others would fail alike
            store.fail(owner, row.key, _sentence(error), time.monotonic() - began)
        else:
            store.finish(owner, row.key, result, time.monotonic() - began)


def _is_full(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, OSError) and error.errno in _FULL:
            return True
        error = error.__cause__
    return False


def _sentence(error: BaseException) -> str:
    text = " ".join(str(error).split())
    if isinstance(error, EdgeCnnError) and text:
        return text
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


@contextmanager
def _beating(sweep: Path, owner: str, key: str) -> Iterator[Callable[[float], None]]:
    """Say within the block, from a thread, that the owner is alive; give what says how much is done."""
    ended, share = threading.Event(), 0.0

    def say(done: float) -> None:
        nonlocal share
        share = done
        told.set()

    def beat() -> None:
        store = Store(sweep)
        while not ended.is_set():
            told.wait(BEAT_S)
            told.clear()
            with suppress(EdgeCnnError):  # a disk that is full now may have room at the next beat
                store.beat(owner, key, share)
            ended.wait(0.2)
        store.close()

    told = threading.Event()
    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield say
    finally:
        ended.set()
        told.set()
        thread.join()
