"""Run all converters on all networks, interleaved, and collect the figures."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import environments
import machine
from converters import CONVERTERS, NETWORKS, ONNX_EXPORT, PROGRAMS, Converter, Job, own_python
from processes import ProcessRun, measure

from edgecnn.errors import EdgeCnnError

Tell = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What is compared, and how often."""

    networks: tuple[str, ...]
    peers: tuple[str, ...]
    runs: int
    latency_rounds: int
    seed: int = 0
    timeout_s: float = 1800.0


@dataclass(kw_only=True)
class Row:
    """One converter on one network: its runs so far, the file kept, and why it failed where it did."""

    converter: Converter
    job: Job
    runs: list[ProcessRun] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)
    failed: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON data."""
        names = ("wall_s", "cpu_s", "peak_bytes")
        runs = {name: [getattr(run, name) for run in self.runs] for name in names}
        row = {"converter": self.converter.name, **({} if self.failed else runs), **self.facts}
        return row | ({"failed": self.failed} if self.failed else {})


def compare(settings: Settings, work: Path, tell: Tell) -> dict[str, Any]:
    """Return the whole result as JSON data; a peer that cannot be installed or fails is a row that says so.

    Args:
        settings: what to do.
        work: an empty folder.
        tell: is given a line at each step.
    """
    chosen = [each for each in CONVERTERS if each.peer is None or each.peer in settings.peers]
    pythons, missing = _provide(chosen, tell)
    prepared = {name: _prepare(NETWORKS[name], settings, work / name, tell) for name in settings.networks}
    rows = {
        name: [_row(converter, name, prepared[name], work, missing) for converter in chosen]
        for name in settings.networks
    }
    load_before = machine.load()
    _take_turns(rows, pythons, settings, tell)
    spreads = {name: _examine(rows[name], prepared[name], settings, tell) for name in settings.networks}
    return {
        "benchmark": "convert",
        "kind": "measured",
        "date": datetime.now(UTC).date().isoformat(),
        "machine": {**machine.describe(), "load_before": load_before, "load_after": machine.load()},
        "settings": {"runs": settings.runs, "latency_rounds": settings.latency_rounds, "seed": settings.seed},
        "converters": [_described(converter, pythons) for converter in chosen],
        "networks": [
            {
                "name": name,
                "spec": NETWORKS[name],
                **spreads[name],
                "rows": [row.to_json() for row in rows[name]],
            }
            for name in settings.networks
        ],
    }


def _take_turns(
    rows: Mapping[str, list[Row]], pythons: Mapping[str, Path], settings: Settings, tell: Tell
) -> None:
    """Convert everything `settings.runs` times, another converter beginning each time."""
    for row in rows[settings.networks[-1]]:  # once from a cold disk, not counted
        _convert(row, pythons, settings, tell, counted=False)
    for turn in range(settings.runs):
        for each in rows.values():
            shift = turn % len(each)
            for row in each[shift:] + each[:shift]:
                _convert(row, pythons, settings, tell)


def _provide(chosen: Sequence[Converter], tell: Tell) -> tuple[dict[str, Path], dict[str, str]]:
    """Return each converter's Python, and for those without one the reason."""
    pythons, missing = {}, {}
    for converter in chosen:
        try:
            if converter.requirements:
                tell(f"environment {converter.name}")
                pythons[converter.name] = environments.provide(converter.name, converter.requirements)
            else:
                pythons[converter.name] = own_python()
        except EdgeCnnError as error:
            missing[converter.name] = str(error)
    return pythons, missing


def _prepare(spec: str, settings: Settings, folder: Path, tell: Tell) -> Path:
    """Write what all converters of a network read; return the folder."""
    tell(f"prepare {folder.name}")
    folder.mkdir(parents=True)
    own = own_python()
    done = measure([own, PROGRAMS / "prepare.py", spec, str(settings.seed), folder])
    if done.exit_code:
        raise EdgeCnnError(f"cannot build {spec}: {done.reason()}")
    if ONNX_EXPORT.peer in settings.peers:
        # Where this fails, so does the measured run of it, which says why.
        measure(ONNX_EXPORT.command(own, Job(spec=spec, prepared=folder, folder=folder)))
    return folder


def _row(converter: Converter, network: str, prepared: Path, work: Path, missing: Mapping[str, str]) -> Row:
    folder = work / f"{network}.{converter.name.replace(' ', '-')}"
    job = Job(spec=NETWORKS[network], prepared=prepared, folder=folder)
    return Row(converter=converter, job=job, failed=missing.get(converter.name, ""))


def _convert(
    row: Row, pythons: Mapping[str, Path], settings: Settings, tell: Tell, *, counted: bool = True
) -> None:
    """Convert once into an empty folder, unless the converter has failed on this network before."""
    if row.failed:
        return
    shutil.rmtree(row.job.folder, ignore_errors=True)
    row.job.folder.mkdir()
    python = pythons[row.converter.name]
    path = os.pathsep.join([str(python.parent), os.environ.get("PATH", "")])
    done = measure(
        row.converter.command(python, row.job),
        folder=row.job.prepared,
        variables={"PATH": path},
        timeout_s=settings.timeout_s,
    )
    row.failed = done.reason().replace(str(row.job.folder.parent), "...")
    if not row.failed and not row.converter.output(row.job).is_file():
        row.failed = f"exit 0, but no file {row.converter.output(row.job).name}"
    if not row.failed and counted:
        row.runs.append(done)
    tell(f"{row.job.prepared.name}, {row.converter.name}: {row.failed or f'{done.wall_s:.2f} s'}")


def _examine(rows: Sequence[Row], prepared: Path, settings: Settings, tell: Tell) -> dict[str, Any]:
    """Fill in the facts about the files, all of one network in one process; return those of the network."""
    tell(f"time the files of {prepared.name}")
    made = [row for row in rows if not row.failed and row.converter is not ONNX_EXPORT]
    files = [row.converter.output(row.job) for row in made]
    command = [own_python(), PROGRAMS / "examine.py", prepared, str(settings.latency_rounds), *files]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        last = (done.stderr.splitlines() or ["no output"])[-1]
        raise EdgeCnnError(f"cannot examine the files of {prepared.name}: {last}")
    result = json.loads(done.stdout.splitlines()[-1])
    for row, facts in zip(made, result["files"], strict=True):
        row.failed = facts.pop("failed", "")
        row.facts = facts
    return {"output_range": result["output_range"]}


def _described(converter: Converter, pythons: Mapping[str, Path]) -> dict[str, Any]:
    python = pythons.get(converter.name)
    found = {} if python is None else environments.versions(python, converter.packages)
    return {"name": converter.name, "call": converter.shown, "peer": converter.peer, "versions": dict(found)}
