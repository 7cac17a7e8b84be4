"""A file of measurements, one JSON object a line, which only ever grows by whole measurements."""

import fcntl
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from edgecnn.atomic import check_free, write_file
from edgecnn.devices.measurement import Measurement
from edgecnn.errors import EdgeCnnError


def check_results(path: str | Path) -> None:
    """Raise `EdgeCnnError`, before any work, unless measurements can be appended to a file."""
    clean = check_free(path, force=True, folder=False)
    if clean.exists():
        read_results(clean)


def read_results(path: str | Path) -> list[Measurement]:
    """Return the measurements of a file; raise `EdgeCnnError` where a line is none."""
    found = []
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise EdgeCnnError(f"{path} cannot be read as a file of measurements: {error}") from error
    for number, line in enumerate(lines, 1):
        try:
            found.append(Measurement.from_json(json.loads(line)))
        except (ValueError, RecursionError, EdgeCnnError) as error:
            raise EdgeCnnError(
                f"line {number} of {path} is no measurement ({error}); give another file"
            ) from error
    return found


def append_results(path: str | Path, measurements: Sequence[Measurement]) -> None:
    """Append measurements, all or none: the file is written anew beside itself and renamed."""
    clean = check_free(path, force=True, folder=False)
    clean.parent.mkdir(parents=True, exist_ok=True)
    with _alone(clean.parent):
        check_results(clean)
        before = clean.read_bytes() if clean.exists() else b""
        if before and not before.endswith(b"\n"):
            before += b"\n"
        lines = "".join(json.dumps(each.to_json(), allow_nan=False) + "\n" for each in measurements)
        write_file(clean, before + lines.encode(), force=True)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Keep other processes from appending to a file of the folder at the same time."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
