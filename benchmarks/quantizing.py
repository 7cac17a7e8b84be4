"""Run all quantizers on all networks, each a whole process, and collect the figures."""

import json
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import environments
import machine
from converters import PROGRAMS
from processes import measure
from quantizers import Network, Quantizer, own_python

from edgecnn.errors import EdgeCnnError

Tell = Callable[[str], None]
Row = dict[str, Any]
_EACH = ("wall_s", "cpu_s", "peak_bytes", "top1", "agreement", "sqnr_db")  # one figure for each draw


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How much is measured.

    Attributes:
        pictures: to calibrate with.
        draws: how many times they are drawn, by the seeds 0, 1, ...
        rounds: inferences of each .tflite file of the first draw.
    """

    pictures: int
    draws: int
    rounds: int

    def __post_init__(self) -> None:
        if self.draws < 1:
            raise EdgeCnnError(f"--draws is {self.draws}; give at least 1")


def compare(
    networks: Sequence[Network],
    chosen: Sequence[Quantizer],
    *,
    settings: Settings,
    work: Path,
    tell: Tell,
) -> dict[str, Any]:
    """Return the whole result as JSON data; a peer that cannot be installed or fails is a row that says so.

    Args:
        networks: what is quantized.
        chosen: by what.
        settings: how much.
        work: an empty folder.
        tell: is given a line at each step.
    """
    pythons, missing = provide(chosen, tell)
    load_before = machine.load()
    tables = []
    for network in networks:
        drawn = []
        for seed in range(settings.draws):
            prepared = _prepare(network, settings.pictures, seed, work, tell)
            rows = [_row(each, prepared, pythons, missing, tell) for each in chosen]
            _examine(rows, prepared, 0 if seed else settings.rounds, tell)
            drawn.append(rows)
        joined = [_joined(rows) for rows in zip(*drawn, strict=True)]
        tables.append({"name": network.name, "rows": joined, **_float_figures(prepared)})
    return {
        "benchmark": "quantize",
        "kind": "measured",
        "date": datetime.now(UTC).date().isoformat(),
        "machine": {**machine.describe(), "load_before": load_before, "load_after": machine.load()},
        "settings": {
            "pictures": settings.pictures,
            "draws": settings.draws,
            "latency_rounds": settings.rounds,
        },
        "quantizers": [_described(each, pythons) for each in chosen],
        "networks": tables,
    }


def added(published: dict[str, Any], measured: dict[str, Any]) -> dict[str, Any]:
    """Return what was measured with the published networks that were not; both must be alike in the rest."""
    for part in ("settings", "quantizers"):
        if published[part] != measured[part]:
            raise EdgeCnnError(f"the published result has other {part}; measure all networks, without --add")
    new = {network["name"] for network in measured["networks"]}
    kept = [network for network in published["networks"] if network["name"] not in new]
    return measured | {"networks": kept + measured["networks"]}


def provide(chosen: Sequence[Quantizer], tell: Tell) -> tuple[dict[str, Path], dict[str, str]]:
    """Return the Python of each environment, and for those without one the reason."""
    pythons, missing = {"": own_python()}, {}
    for each in chosen:
        name = each.environment
        if name in pythons or name in missing:
            continue
        tell(f"environment {name}")
        try:
            pythons[name] = environments.provide(name, each.requirements)
        except EdgeCnnError as error:
            missing[name] = str(error)
    return pythons, missing


def _joined(rows: Sequence[Row]) -> Row:
    """Return one row of the draws', with lists of what each gave; the first that failed, where one did."""
    failed = next((row for row in rows if "failed" in row), None)
    return failed or rows[0] | {name: [row[name] for row in rows] for name in _EACH}


def _prepare(network: Network, pictures: int, seed: int, work: Path, tell: Tell) -> Path:
    """Return a new folder with what the quantizers read."""
    folder = work / f"{network.name}-{seed}"
    folder.mkdir()
    tell(f"prepare {network.name}, draw {seed}")
    arguments = network.arguments(pictures, seed, folder)
    done = measure([own_python(), PROGRAMS / "prepare_quantizers.py", *arguments])
    if done.exit_code:
        raise EdgeCnnError(f"cannot prepare {network.name}: {done.reason()}")
    return folder


def _row(
    quantizer: Quantizer, prepared: Path, pythons: Mapping[str, Path], missing: Mapping[str, str], tell: Tell
) -> Row:
    """Quantize once and return what it took, or why it failed."""
    row: Row = {"quantizer": quantizer.name}
    if quantizer.environment in missing:
        return row | {"failed": missing[quantizer.environment]}
    place = "".join(letter if letter.isalnum() else "-" for letter in quantizer.name)
    output = prepared / place / f"model{quantizer.suffix}"
    output.parent.mkdir()
    done = measure(quantizer.command(pythons[quantizer.environment], prepared, output), folder=output.parent)
    failed = done.reason().replace(str(prepared), "...")
    if not failed and not output.is_file():
        failed = f"exit 0, but no file {output.name}"
    tell(f"{prepared.name}, {quantizer.name}: {failed or f'{done.wall_s:.2f} s'}")
    if failed:
        return row | {"failed": failed}
    took = {"wall_s": done.wall_s, "cpu_s": done.cpu_s, "peak_bytes": done.peak_bytes}
    return row | took | {"file": str(output)}


def _examine(rows: Sequence[Row], prepared: Path, rounds: int, tell: Tell) -> None:
    """Add what the files of one network answer, and how long they take, in one process."""
    tell(f"run the files of {prepared.name}")
    made = [row for row in rows if "file" in row]
    files = [row.pop("file") for row in made]
    command = [own_python(), PROGRAMS / "examine_int8.py", prepared, str(rounds), *files]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        last = (done.stderr.splitlines() or ["no output"])[-1]
        raise EdgeCnnError(f"cannot run the files of {prepared.name}: {last}")
    for row, figures in zip(made, json.loads(done.stdout.splitlines()[-1]), strict=True):
        row.update(figures)


def _float_figures(prepared: Path) -> dict[str, Any]:
    import numpy as np

    outputs, labels = np.load(prepared / "output.npy"), np.load(prepared / "labels.npy")
    return {
        "n": len(labels),
        "float_top1": float((outputs.argmax(1) == labels).mean()),
        "float_bytes": (prepared / "float.tflite").stat().st_size,
    }


def _described(quantizer: Quantizer, pythons: Mapping[str, Path]) -> dict[str, Any]:
    python = pythons.get(quantizer.environment)
    found = {} if python is None else environments.versions(python, quantizer.packages)
    return {"name": quantizer.name, "environment": quantizer.environment, "versions": dict(found)}
