"""Count every network with every counter, and time some of them as whole processes, interleaved."""

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import environments
import machine
from counters import REFERENCE, ROOT, Counter, command, own_command
from processes import ProcessRun, measure

import edgecnn
from edgecnn.errors import EdgeCnnError

Tell = Callable[[str], None]

_FROM_HERE = {"PYTHONPATH": str(ROOT)}  # the architectures, for environments without edgecnn


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What is compared, and how often."""

    networks: tuple[str, ...]
    timed: tuple[str, ...]
    peers: tuple[str, ...]
    runs: int
    timeout_s: float = 1800.0


def compare(settings: Settings, chosen: Sequence[Counter], tell: Tell) -> dict[str, Any]:
    """Return the whole result as JSON data; what cannot be installed or fails is an entry that says so."""
    pythons, missing = _provide(chosen, tell)
    tell("counting with the papers' formula")
    own = Path(sys.executable)
    reference, failed = _count(REFERENCE, own, settings.networks, settings.timeout_s)
    if failed:
        raise EdgeCnnError(f"the reference cannot count {failed}")
    counts: dict[str, dict[str, int]] = {}
    failures: dict[str, dict[str, str]] = {}
    for counter in chosen:
        tell(f"counting with {counter.name}")
        if counter.peer is None:
            counts[counter.name] = {name: edgecnn.costs(name).mult_adds for name in settings.networks}
            failures[counter.name] = {}
        elif counter.name in missing:
            counts[counter.name], failures[counter.name] = (
                {},
                dict.fromkeys(settings.networks, missing[counter.name]),
            )
        else:
            counts[counter.name], failures[counter.name] = _count(
                counter.name, pythons[counter.name], settings.networks, settings.timeout_s
            )
    load_before = machine.load()
    times = _time(settings, [each for each in chosen if each.name not in missing], pythons, tell)
    return {
        "benchmark": "profilers",
        "kind": "measured",
        "date": datetime.now(UTC).date().isoformat(),
        "machine": {**machine.describe(), "load_before": load_before, "load_after": machine.load()},
        "settings": {"runs": settings.runs},
        "counters": [_described(counter, pythons) for counter in chosen],
        "networks": [
            {
                "name": name,
                "mult_adds": reference[name],
                "counts": {each: found[name] for each, found in counts.items() if name in found},
                "failed": {each: why[name] for each, why in failures.items() if name in why},
            }
            for name in settings.networks
        ],
        "times": times,
    }


def _provide(chosen: Sequence[Counter], tell: Tell) -> tuple[dict[str, Path], dict[str, str]]:
    """Return each counter's Python, and why a counter has none."""
    pythons: dict[str, Path] = {}
    missing: dict[str, str] = {}
    for counter in chosen:
        if counter.peer is None:
            pythons[counter.name] = Path(sys.executable)
            continue
        tell(f"environment of {counter.peer}")
        pinned = [environments.pinned("torch"), environments.pinned("numpy")]
        try:
            pythons[counter.name] = environments.provide(counter.peer, [*pinned, *counter.requires])
        except EdgeCnnError as error:
            missing[counter.name] = str(error)
    return pythons, missing


def _count(
    counter: str, python: Path, networks: Sequence[str], timeout_s: float
) -> tuple[dict[str, int], dict[str, str]]:
    """Count networks in one process; where it breaks off, go on behind the network that broke it."""
    found: dict[str, int] = {}
    failed: dict[str, str] = {}
    left = list(networks)
    while left:
        run = measure(command(counter, python, left), variables=_FROM_HERE, timeout_s=timeout_s)
        for line in run.output.splitlines():
            if line.startswith('{"spec"'):
                answer = json.loads(line)
                found[answer["spec"]] = answer["mult_adds"]
        left = [name for name in left if name not in found]
        if left:
            failed[left.pop(0)] = run.reason()
    return found, failed


def _time(
    settings: Settings, chosen: Sequence[Counter], pythons: Mapping[str, Path], tell: Tell
) -> list[dict[str, Any]]:
    runs: dict[str, dict[str, list[ProcessRun]]] = {
        name: {each.name: [] for each in chosen} for name in settings.timed
    }
    for turn in range(-1, settings.runs):  # once from a cold disk, not counted
        for name in settings.timed if turn >= 0 else settings.timed[:1]:
            shift = max(turn, 0) % len(chosen)
            for counter in [*chosen[shift:], *chosen[:shift]]:
                tell(f"timing {counter.name} on {name}, run {turn + 1} of {settings.runs}")
                line = (
                    command(counter.name, pythons[counter.name], [name])
                    if counter.peer
                    else own_command(name)
                )
                variables = _FROM_HERE if counter.peer else None
                run = measure(line, variables=variables, timeout_s=settings.timeout_s)
                if turn >= 0:
                    runs[name][counter.name].append(run)
    return [
        {
            "name": name,
            "nodes": len(edgecnn.costs(name).layers),
            "rows": [_timed(counter, each) for counter, each in runs[name].items()],
        }
        for name in settings.timed
    ]


def _timed(counter: str, runs: Sequence[ProcessRun]) -> dict[str, Any]:
    failed = next((run.reason() for run in runs if run.reason()), "")
    if failed:
        return {"counter": counter, "failed": failed}
    figures = ("wall_s", "cpu_s", "peak_bytes")
    return {"counter": counter, **{name: [getattr(run, name) for run in runs] for name in figures}}


def _described(counter: Counter, pythons: Mapping[str, Path]) -> dict[str, Any]:
    found = pythons.get(counter.name)
    return {
        "name": counter.name,
        "call": counter.call,
        "adds": counter.adds,
        "versions": dict(environments.versions(found, counter.packages)) if found else {},
    }
