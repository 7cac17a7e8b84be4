"""From what a device answered about micro-networks to fits: which ran, on what, and how long they took."""

import datetime as dt
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from edgecnn.device import DeviceProfile
from edgecnn.devices import answers
from edgecnn.devices.cost_models import LITERT
from edgecnn.devices.fit import Fit
from edgecnn.devices.fitting import Timed, fit
from edgecnn.errors import EdgeCnnError
from edgecnn.pipeline.fitting_ways import WAYS, Way
from edgecnn.version import __version__


def check_gpu(found: Mapping[str, Any], profile: DeviceProfile | None, device: str) -> None:
    """Raise `EdgeCnnError` where a board has another GPU than the profile that it is said to be."""
    if profile is None or profile.gpu is None:
        return
    gpu = _gpu(found, device)
    if gpu["sm"] != profile.gpu.sm:
        raise EdgeCnnError(
            f"{device} has {gpu['name']} (SM {gpu['sm']}), and {profile.name} has SM {profile.gpu.sm}; name"
            " the board that it is with --as (edgecnn list targets)"
        )


def left_out(found: Mapping[str, Any], files: Mapping[str, Any], device: str) -> dict[str, str]:
    """Return which of the files the device could not build or run, and why."""

    def is_right(value: Any) -> bool:
        return isinstance(value, dict) and value.keys() <= files.keys()

    told = answers.field({"failed": {}, **found}, "failed", is_right, device)
    return {name: " ".join(answers.field(told, name, answers.is_text, device).split()) for name in told}


def _environment(found: Mapping[str, Any], device: str) -> dict[str, Any]:
    told: dict[str, Any] = answers.field(found, "environment", lambda value: isinstance(value, dict), device)
    return told


def _gpu(found: Mapping[str, Any], device: str) -> dict[str, str]:
    """Return the name and compute capability of a GPU."""
    told = answers.field(_environment(found, device), "gpu", lambda value: isinstance(value, dict), device)
    return {name: answers.field(told, name, answers.is_text, device) for name in ("name", "sm")}


def timed_files(
    folder: Path, stacks: Mapping[str, bool], latencies: Mapping[str, float], way: Way = WAYS[LITERT]
) -> list[Timed]:
    """Return the files of a folder with their latencies; `stacks` says which are stacks."""
    return [
        Timed(
            name=name,
            graph=way.graph((folder / name).read_bytes()),
            latency_s=latencies[name],
            stack=stack,
        )
        for name, stack in stacks.items()
    ]


def fit_of(
    timed: Sequence[Timed], found: dict[str, Any], facts: dict[str, Any], way: Way = WAYS[LITERT]
) -> Fit:
    """Return the fit of files with their latencies; `found` is the script's answer, `facts` what it lacks."""
    device = facts["device"]
    told = _environment(found, device)
    made = fit(timed, way.runs)
    return Fit(
        **facts,
        runs=way.runs,
        runtime=answers.field(told, "runtime", answers.is_text, device),
        cpu=answers.field(told, "cpu", lambda value: value is None or answers.is_text(value), device),
        gpu=None if way.has_threads else _gpu(found, device),
        threads=answers.field(told, "threads", answers.is_number, device) if way.has_threads else None,
        date=dt.datetime.now(dt.UTC).date().isoformat(),
        edgecnn=__version__,
        tiles=made.tiles,
        seconds=made.seconds,
        ranges=made.ranges,
        errors=made.errors,
        networks=len(timed),
    )
