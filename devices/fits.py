"""Fits in the user's cache: one JSON file for each device, runtime, number of threads and precision."""

import hashlib
import json
from pathlib import Path
from typing import Any

from edgecnn.atomic import write_file
from edgecnn.devices.fit import FORMAT, Fit
from edgecnn.devices.user_cache import user_cache
from edgecnn.errors import EdgeCnnError

_HOST = "host"  # the profile of what `local` reaches
_DIGITS = 16


def folder() -> Path:
    """Return where fits are kept, whether it is there or not."""
    return user_cache() / "fits"


def keep(fit: Fit) -> Path:
    """Write a fit into the cache, in place of an older one of the same device, and return its file."""
    key: list[Any] = [fit.device, fit.target, fit.cpu, fit.runtime, fit.threads, fit.precision]
    key += [] if fit.gpu is None else [fit.runs, dict(fit.gpu)]
    digest = hashlib.sha256(json.dumps(key).encode()).hexdigest()[:_DIGITS]
    place = folder() / f"{digest}.json"
    place.parent.mkdir(parents=True, exist_ok=True)
    write_file(place, (json.dumps(fit.to_json(), indent=1) + "\n").encode(), force=True)
    return place


def find(device: str, precision: str, threads: int = 1, runs: str | None = None) -> Fit | None:
    """Return the latest fit of a device, by its profile's name or as it is reached; None where there is none.

    Args:
        device: the name or address.
        precision: of the networks.
        threads: CPU threads; a GPU's fit is for 1.
        runs: `litert` or `tensorrt`, where only a fit of that will do.

    Raises:
        EdgeCnnError: a file of the cache is damaged, or the device was fitted later with another TensorRT or
            GPU, and not in this precision.
    """
    asked = _HOST if device == "local" else device
    places = sorted(folder().glob("*.json"), key=lambda place: place.stat().st_mtime, reverse=True)
    before: dict[str, Fit] = {}  # the latest by what runs there
    for place in places:
        data = _data(place)
        if data.get("format") != FORMAT and asked not in (data.get("target"), data.get("device")):
            continue  # of an older version, and no matter of this device
        fit = Fit.from_json(data, str(place))
        if asked in (fit.target, fit.device) and runs in (None, fit.runs):
            latest = before.setdefault(fit.runs, fit)
            if (fit.precision, fit.threads or 1) == (precision, threads):
                _check_current(fit, latest)
                return fit
    return None


def _check_current(found: Fit, latest: Fit) -> None:
    """Raise where a GPU was fitted with another TensorRT since, or is another one: so are its engines."""
    if found.gpu is not None and (found.runtime, found.gpu) != (latest.runtime, latest.gpu):
        target = f" --as {latest.target}" if latest.target else ""
        raise EdgeCnnError(
            f"{found.target or found.device} was fitted in {found.precision} with {found.runs_on}, and later"
            f" in {latest.precision} with {latest.runs_on}; fit it again: edgecnn device fit"
            f" {latest.device}{target} --precision {found.precision}"
        )


def _data(place: Path) -> dict[str, Any]:
    """Return what the file of a fit holds."""
    try:
        data = json.loads(place.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise EdgeCnnError(f"{place} cannot be read ({error}); remove it and fit the device again") from error
    return data if isinstance(data, dict) else {}
