"""The sweep's file: jobs, who does them, and their results, in SQLite.

Several processes, or machines that share a file system, work on one file. Its journal is a rollback journal:
the write-ahead log needs shared memory, which network file systems lack. A job is claimed in a transaction
that excludes every other writer. Its owner adds 1 to `beat` every few seconds; whoever sees that number stand
still for a minute by its own clock takes the job over, so that clocks need not agree.
"""

import json
import sqlite3
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgecnn.errors import EdgeCnnError
from edgecnn.sweeps.job import Job
from edgecnn.sweeps.latencies import KINDS as LATENCIES
from edgecnn.sweeps.owner import is_known_dead

FILE = "sweep.sqlite"
FORMAT = 1
BEAT_S = 5.0
STALE_S = 60.0
MOST_ATTEMPTS = 3

_BUSY_S = 60.0
_SCHEMA = """
CREATE TABLE IF NOT EXISTS sweep (format INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS job (
  place INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, title TEXT NOT NULL,
  needs TEXT NOT NULL, settings TEXT NOT NULL, work REAL NOT NULL,
  state TEXT NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'taken', 'done', 'failed')),
  owner TEXT, beat INTEGER NOT NULL DEFAULT 0, attempts INTEGER NOT NULL DEFAULT 0,
  share REAL NOT NULL DEFAULT 0, seconds REAL, error TEXT, result TEXT
);
"""
_COLUMNS = (
    "key, kind, title, needs, settings, work, state, owner, beat, attempts, share, seconds, error, result"
)


class LostError(EdgeCnnError):
    """A job that another process has taken over."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """A job as it stands in the file; `share` is how much of it is done, `seconds` what it took."""

    key: str
    kind: str
    title: str
    needs: tuple[str, ...]
    settings: dict[str, Any]
    work: float
    state: str
    owner: str | None
    beat: int
    attempts: int
    share: float
    seconds: float | None
    error: str | None
    result: dict[str, Any] | None


def place(sweep: str | Path) -> tuple[Path, Path]:
    """Return the file of a sweep that is named by it or by its folder, and the folder of runs and bundles."""
    path = Path(sweep)
    return (path, path.with_suffix(".files")) if path.suffix == ".sqlite" else (path / FILE, path)


def is_sweep(path: str | Path) -> bool:
    """Return whether there is a sweep of that name."""
    return place(path)[0].is_file()


class Store:
    """An open sweep.

    Args:
        sweep: the file, or the folder that holds it.
        new: whether it may be made; otherwise it has to be there.
    """

    def __init__(self, sweep: str | Path, *, new: bool = False) -> None:
        self.file, self.folder = place(sweep)
        if not new and not self.file.is_file():
            raise EdgeCnnError(
                f"there is no sweep {sweep}; `edgecnn sweep MODEL --data D -o {sweep}` makes one"
            )
        self._seen: dict[tuple[str, int], float] = {}
        with self._explained():
            self.file.parent.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(self.file, timeout=_BUSY_S, isolation_level=None)
            self._connection.row_factory = sqlite3.Row
            self._connection.execute("PRAGMA journal_mode = DELETE")
            if new:
                self._make()
            self._check_format()

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def _make(self) -> None:
        with self._writing():
            if self._tables() and "sweep" not in self._tables():
                raise EdgeCnnError(f"{self.file} is no sweep; give another file")
            for statement in filter(str.strip, _SCHEMA.split(";")):
                self._connection.execute(statement)
            if self._connection.execute("SELECT 1 FROM sweep").fetchone() is None:
                self._connection.execute("INSERT INTO sweep VALUES (?)", (FORMAT,))

    def _check_format(self) -> None:
        tables = self._tables()
        found = self._connection.execute("SELECT format FROM sweep").fetchone() if "sweep" in tables else None
        if "job" not in tables or found is None:
            raise EdgeCnnError(f"{self.file} is no sweep; give another file")
        if found["format"] != FORMAT:
            raise EdgeCnnError(f"{self.file} has format {found['format']}, this edgecnn reads {FORMAT}")

    def _tables(self) -> set[str]:
        return {row["name"] for row in self._connection.execute("SELECT name FROM sqlite_master")}

    def add(self, jobs: Sequence[Job]) -> None:
        """Add jobs that are not there yet; open again what failed before, and latencies that lack a cell."""
        with self._writing():
            for job in jobs:
                self._connection.execute(
                    "INSERT INTO job (key, kind, title, needs, settings, work) VALUES (?, ?, ?, ?, ?, ?)"
                    " ON CONFLICT (key) DO UPDATE SET state = 'open', attempts = 0, error = NULL, share = 0"
                    " WHERE state = 'failed'",
                    (job.key, job.kind, job.title, json.dumps(job.needs), json.dumps(job.settings), job.work),
                )
            cells = {row.key for row in self._read() if row.kind == "measure"}
            for row in self._read([job.key for job in jobs if job.kind in LATENCIES]):
                known = {*(row.result or {}).get("cells", ()), *(row.result or {}).get("failed", ())}
                if row.state == "done" and not cells & set(row.needs) <= known:
                    self._connection.execute("UPDATE job SET state = 'open' WHERE key = ?", (row.key,))

    def rows(self, keys: Iterable[str] | None = None) -> list[Row]:
        """Return jobs in their order, all or some."""
        with self._explained():
            return self._read(keys)

    def claim(self, owner: str, keys: Iterable[str]) -> Row | None:
        """Return a job to do, from now on this owner's; None where none of them can be begun now."""
        chosen = set(keys)
        with self._writing():
            rows = {row.key: row for row in self._read()}
            for row in rows.values():
                if row.key in chosen and row.state == "taken" and self._is_abandoned(row):
                    self._free(row)
            rows = {row.key: row for row in self._read()}
            ready = [row for row in rows.values() if row.key in chosen and _is_ready(row, rows)]
            if not ready:
                return None
            row = min(ready, key=lambda each: each.kind == "train")  # what is trained is measured first
            self._connection.execute(
                "UPDATE job SET state = 'taken', owner = ?, attempts = attempts + 1, share = 0,"
                " beat = beat + 1 WHERE key = ?",
                (owner, row.key),
            )
            return row

    def settle(self, keys: Iterable[str]) -> None:
        """Let fail what needs a job that has failed; latencies are of what is left."""
        with self._writing():
            rows = {row.key: row for row in self._read()}
            for row in rows.values():
                failed = [rows[key] for key in row.needs if key in rows and rows[key].state == "failed"]
                if row.key in set(keys) and row.state == "open" and failed and row.kind == "measure":
                    self._update(row.key, state="failed", error=failed[0].error)

    def beat(self, owner: str, key: str, share: float) -> None:
        """Say that the owner is alive, and how much of the job is done."""
        with self._writing():
            self._connection.execute(
                "UPDATE job SET beat = beat + 1, share = ? WHERE key = ? AND owner = ?", (share, key, owner)
            )

    def finish(self, owner: str, key: str, result: dict[str, Any], seconds: float) -> None:
        """Record a result; raise `LostError` where the job is another's meanwhile."""
        text = json.dumps(result, allow_nan=False)
        self._end(owner, key, state="done", result=text, seconds=seconds, share=1.0, error=None)

    def fail(self, owner: str, key: str, error: str, seconds: float) -> None:
        """Record why a job cannot be done."""
        self._end(owner, key, state="failed", error=error, seconds=seconds)

    def release(self, owner: str) -> None:
        """Give back what an owner has taken and not finished."""
        with self._writing():
            for row in self._read():
                if row.state == "taken" and row.owner == owner:
                    self._update(row.key, state="open", owner=None, attempts=max(0, row.attempts - 1))

    def _end(self, owner: str, key: str, **values: Any) -> None:
        with self._writing():
            row = self._connection.execute("SELECT state, owner FROM job WHERE key = ?", (key,)).fetchone()
            if row is None or (row["state"], row["owner"]) != ("taken", owner):
                raise LostError("the job was taken over by another process")
            self._update(key, **values)

    def _update(self, key: str, **values: Any) -> None:
        assignments = ", ".join(f"{name} = ?" for name in values)
        self._connection.execute(
            f"UPDATE job SET {assignments} WHERE key = ?",  # noqa: S608  names of ours
            (*values.values(), key),
        )

    def _free(self, row: Row) -> None:
        if row.attempts < MOST_ATTEMPTS:
            self._update(row.key, state="open", owner=None)
            return
        error = f"its process was killed {row.attempts} times, as is done where memory runs out"
        self._update(row.key, state="failed", owner=None, error=error)

    def _is_abandoned(self, row: Row) -> bool:
        """Return whether the owner is dead, or has given no sign for a minute of this process's clock."""
        if row.owner is None or is_known_dead(row.owner):
            return True
        now = time.monotonic()
        return now - self._seen.setdefault((row.key, row.beat), now) > STALE_S

    def _read(self, keys: Iterable[str] | None = None) -> list[Row]:
        wanted = None if keys is None else set(keys)
        found = self._connection.execute(f"SELECT {_COLUMNS} FROM job ORDER BY place")  # noqa: S608
        return [_row(each) for each in found.fetchall() if wanted is None or each["key"] in wanted]

    @contextmanager
    def _writing(self) -> Iterator[None]:
        with self._explained():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            reason = (getattr(error, "strerror", None) or str(error)).lower()
            raise EdgeCnnError(f"cannot read or write the sweep {self.file}: {reason}") from error


def _is_ready(row: Row, rows: dict[str, Row]) -> bool:
    """Return whether a job is open and nothing that it needs is still to be done."""
    states = {rows[key].state for key in row.needs if key in rows}
    settled = {"done", "failed"} if row.kind in LATENCIES else {"done"}
    return row.state == "open" and states <= settled


def _row(found: sqlite3.Row) -> Row:
    values = dict(found)
    values["needs"] = tuple(json.loads(values["needs"]))
    values["settings"] = json.loads(values["settings"])
    values["result"] = json.loads(values["result"]) if values["result"] else None
    return Row(**values)
