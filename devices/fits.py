"""Fits in the user's cache: one JSON file for each device, runtime, number of threads and precision."""

import hashlib
import json
from pathlib import Path

from edgecnn.atomic import write_file
from edgecnn.devices.fit import Fit
from edgecnn.devices.user_cache import user_cache
from edgecnn.errors import EdgeCnnError

_HOST = "host"  # the profile of what `local` reaches
_DIGITS = 16


def folder() -> Path:
    """Return where fits are kept, whether it is there or not."""
    return user_cache() / "fits"


def keep(fit: Fit) -> Path:
    """Write a fit into the cache, in place of an older one of the same device, and return its file."""
    key = (fit.device, fit.target, fit.cpu, fit.runtime, fit.threads, fit.precision)
    digest = hashlib.sha256(json.dumps(key).encode()).hexdigest()[:_DIGITS]
    place = folder() / f"{digest}.json"
    place.parent.mkdir(parents=True, exist_ok=True)
    write_file(place, (json.dumps(fit.to_json(), indent=1) + "\n").encode(), force=True)
    return place


def find(device: str, precision: str, threads: int = 1) -> Fit | None:
    """Return the latest fit of a device, by its profile's name or as it is reached; None where there is none.

    Raises `EdgeCnnError` where a file of the cache is damaged.
    """
    asked = _HOST if device == "local" else device
    places = sorted(folder().glob("*.json"), key=lambda place: place.stat().st_mtime, reverse=True)
    for fit in map(read, places):
        if asked in (fit.target, fit.device) and (fit.precision, fit.threads) == (precision, threads):
            return fit
    return None


def read(place: Path) -> Fit:
    """Read the file of a fit."""
    try:
        data = json.loads(place.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise EdgeCnnError(f"{place} cannot be read ({error}); remove it and fit the device again") from error
    return Fit.from_json(data if isinstance(data, dict) else {}, str(place))
