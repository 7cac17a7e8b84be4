"""Several processes on one sweep, whose jobs are only noted: who does what, and what a kill loses."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter

import pytest

from edgecnn.sweeps.job import Job
from edgecnn.sweeps.store import Store
from edgecnn.sweeps.worker import work

SCRIPT = """
import os, sys, time
from pathlib import Path
from edgecnn.sweeps import work, worker
sweep, log, blocks, *keys = sys.argv[1:]

def note(store, row, say):
    with open(log, "a") as file:
        file.write(f"{row.key} {os.getpid()}\\n")
    time.sleep(600 if row.key == blocks else 0.01)
    return {}

work.DO.update(dict.fromkeys(work.DO, note))
Path(f"{log}.{os.getpid()}").touch()
while len(list(Path(log).parent.glob("log.*"))) < 2:
    time.sleep(0.01)
worker.work(Path(sweep), keys, lambda: None)
"""
NETWORKS = [f"network {number}" for number in range(12)]
CELLS = [f"cell of {name}" for name in NETWORKS]
KEYS = [*NETWORKS, *CELLS, "time"]


@pytest.fixture
def swept(tmp_path):
    """A sweep of noted jobs, and what starts a process at them: all begin when there are two."""

    def job(key, kind, needs=()):
        return Job(key=key, kind=kind, title=key, needs=needs, settings={})

    store = Store(tmp_path / "s", new=True)
    store.add([
        *(job(name, "train") for name in NETWORKS),
        *(job(cell, "measure", (name,)) for cell, name in zip(CELLS, NETWORKS, strict=True)),
        job("time", "time", tuple(CELLS)),
    ])  # fmt: skip

    def start(blocks=""):
        words = [sys.executable, "-c", SCRIPT, str(tmp_path / "s"), str(tmp_path / "log"), blocks, *KEYS]
        return subprocess.Popen(words, env={**os.environ, "OMP_NUM_THREADS": "1"})

    yield store, tmp_path / "log", start
    store.close()


def noted(log):
    return [line.rpartition(" ")[0] for line in log.read_text().splitlines()] if log.exists() else []


def test_two_processes_finish_a_sweep_together_and_do_nothing_twice(swept):
    store, log, start = swept
    both = [start(), start()]
    assert [process.wait(60) for process in both] == [0, 0]
    assert sorted(noted(log)) == sorted(KEYS)
    assert {line.rpartition(" ")[2] for line in log.read_text().splitlines()} == {str(p.pid) for p in both}
    assert [(row.state, row.attempts) for row in store.rows()] == [("done", 1)] * len(KEYS)


def test_a_process_that_is_killed_loses_only_the_job_it_was_at(swept, monkeypatch):
    store, log, start = swept
    (log.parent / "log.here").touch()  # this process is the second
    process = start(blocks=NETWORKS[3])
    until = time.monotonic() + 60
    while NETWORKS[3] not in noted(log) and time.monotonic() < until:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    before = {row.key: row.state for row in store.rows()}
    assert Counter(before.values()) == {"done": 6, "taken": 1, "open": len(KEYS) - 7}
    again = []
    monkeypatch.setattr(
        "edgecnn.sweeps.worker.DO",
        dict.fromkeys(("train", "measure", "time"), lambda _store, row, _say: again.append(row.key) or {}),
    )
    work(log.parent / "s", KEYS, lambda: None)
    assert sorted(again) == sorted(key for key, state in before.items() if state != "done")
    assert {row.key: row.attempts for row in store.rows()} == {**dict.fromkeys(KEYS, 1), NETWORKS[3]: 2}
