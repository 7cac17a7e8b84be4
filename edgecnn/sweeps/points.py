"""Points read from sweeps and run folders, with the latencies of `edgecnn bench`."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from edgecnn import run_folder, units
from edgecnn.devices.measurement import Measurement
from edgecnn.devices.results import read_results
from edgecnn.errors import EdgeCnnError
from edgecnn.evaluate.proportion import wilson
from edgecnn.sweeps.cells import FLOAT
from edgecnn.sweeps.job import MEASURING
from edgecnn.sweeps.latencies import KINDS as LATENCIES
from edgecnn.sweeps.places import device_of
from edgecnn.sweeps.point import Latency, Point
from edgecnn.sweeps.store import Row, Store, is_sweep

_METRICS = {"classification": ("top1", "top-1"), "segmentation": ("dice", "Dice")}


def read_points(paths: Sequence[str | Path]) -> list[Point]:
    """Return the points of sweeps and run folders.

    Args:
        paths: of sweeps, run folders, and results of `edgecnn bench` (.jsonl), whose latencies are added.

    Raises:
        EdgeCnnError: a path is none of these, there is no finished point, or what was measured is no point.
    """
    found: list[Point] = []
    measured = [each for path in paths if Path(path).suffix == ".jsonl" for each in read_results(path)]
    for path in dict.fromkeys(str(path) for path in paths if Path(path).suffix != ".jsonl"):
        found += _of_path(path)
    if not found:
        raise EdgeCnnError(
            "latencies alone have no accuracy to weigh; give the sweep or the run folder, too"
            if measured
            else "there is nothing to report; name a sweep or a run folder"
        )
    return _with_measurements(found, measured)


def _of_path(path: str) -> list[Point]:
    if run_folder.is_run_folder(path):
        return [_of_run(Path(path))]
    if not is_sweep(path):
        raise EdgeCnnError(f"{path} is no sweep and no run folder; see `edgecnn sweep --help`")
    store = Store(path)
    try:
        points = points_of(store)
    finally:
        store.close()
    if not points:
        raise EdgeCnnError(f"the sweep {path} has no finished cell; `edgecnn sweep -o {path}` goes on")
    return points


def _with_measurements(points: Sequence[Point], measured: Sequence[Measurement]) -> list[Point]:
    """Return the points with what `edgecnn bench` measured of them, the latest on each device first."""
    more: dict[int, dict[tuple[str, int | None], Latency]] = {}
    for each in measured:
        own = _measured(each, points)
        if not own:
            raise EdgeCnnError(
                f"{each.name} ({each.precision}) was measured and is in none of these sweeps and run"
                " folders; give its own, too"
            )
        for at in own:
            more.setdefault(at, {})[each.device, each.threads] = _of_measurement(each, points[at].target)
    return [
        replace(point, latencies=(*more.get(at, {}).values(), *point.latencies))
        for at, point in enumerate(points)
    ]


def _measured(each: Measurement, points: Sequence[Point]) -> list[int]:
    """Return which points a measurement is of: the bundle's own, else trainings of that float network."""
    bundles = [at for at, point in enumerate(points) if point.bundle == each.name]
    if bundles or each.recipe != (FLOAT,):
        return bundles
    return [at for at, point in enumerate(points) if not point.bundle and point.spec == each.model]


def _of_measurement(each: Measurement, target: str) -> Latency:
    return Latency(
        device=device_of(each.device, target),
        kind="measured",
        median_s=each.median_s,
        p90_s=each.p90_s,
        source=f"edgecnn bench on {each.device}{_threads(each.threads)}, {each.date}",
        address=each.device,
        threads=each.threads,
        warnings=each.warnings,
    )


def _threads(number: int | None) -> str:
    return "" if number is None else f", {units.several(number, 'thread')}"


def points_of(store: Store) -> list[Point]:
    """Return the finished cells of a sweep as points."""
    rows = {row.key: row for row in store.rows()}
    timings = [row for row in rows.values() if row.kind in LATENCIES and row.result]
    cells = [row for row in rows.values() if row.kind == "measure" and row.state == "done"]
    return [_point(store, rows[cell.needs[0]], cell, timings) for cell in cells]


def _point(store: Store, training: Row, cell: Row, timings: Sequence[Row]) -> Point:
    assert cell.result is not None
    assert training.result is not None
    key, metric = _METRICS[training.result["task"]]
    result, ends = cell.result, cell.result["intervals"].get(key)
    epochs = training.settings["recipe"]["epochs"]
    return Point(
        name=training.title,
        spec=training.settings["spec"],
        recipe=cell.settings["passes"],
        precision=result["precision"],
        data=training.settings["data"],
        metric=metric,
        accuracy=result["metrics"][key],
        interval=None if ends is None else (ends[0], ends[1]),
        n=result["metrics"]["n"],
        mult_adds=result["mult_adds"],
        parameters=result["parameters"],
        memory_bytes=result["memory_bytes"],
        file_bytes=result["file_bytes"],
        latencies=tuple(_latencies(cell.key, timings)),
        commands=_commands(training, cell),
        layers=tuple(map(tuple, result["layers"])),
        training=f"{epochs} epochs, seed {training.settings['seed']}, {training.result['trained_on']}"
        f"{_threads(training.result['threads'])}",
        notes=tuple(result["notes"]),
        missing=tuple(_missing(cell.key, timings)),
        source=str(store.file),
        bundle=cell.settings["name"],
        target=cell.settings["device"],
    )


def _latencies(key: str, timings: Sequence[Row]) -> list[Latency]:
    """Return the latest latency on each device: measured and predicted."""
    found: dict[tuple[str, str], Latency] = {}
    for row in timings:
        told = (row.result or {})["cells"].get(key)
        if told is not None:
            found[row.kind, row.settings["device"]] = _READ[row.kind](row.settings, told)
    return list(found.values())


def _of_timing(settings: Mapping[str, Any], timed: Mapping[str, Any]) -> Latency:
    where = ", ".join(timed["environment"].values())
    return Latency(
        device=settings["device"],
        kind="measured",
        median_s=timed["median_s"],
        p90_s=timed["p90_s"],
        source=f"{where}{_threads(timed['threads'])}, {timed['date']}",
        address=settings["address"],
        threads=timed["threads"],
        warnings=tuple(timed["warnings"]),
    )


def _of_prediction(settings: Mapping[str, Any], told: Mapping[str, Any]) -> Latency:
    band = told["band_s"]
    between = "" if band is None else "; 9 of 10 between {} and {}".format(*map(units.duration, band))
    return Latency(
        device=settings["device"],
        kind="predicted",
        median_s=told["latency_s"],
        p90_s=None,
        source=f"{told['method']}{between}{_threads(told['threads'])}",
        threads=told["threads"],
        warnings=tuple(f"outside what was fitted: {each}" for each in told["outside"]),
    )


_READ = {"time": _of_timing, "predict": _of_prediction}


def _missing(key: str, timings: Sequence[Row]) -> list[str]:
    """Say why a latency is missing that was asked for."""
    failed = [(row.settings["device"], (row.result or {}).get("failed", {}).get(key)) for row in timings]
    return [f"no latency predicted on {device}: {why}" for device, why in failed if why is not None]


def _commands(training: Row, cell: Row) -> tuple[str, ...]:
    """Return the two commands that make a point anew: the same bytes on the same machine and versions."""
    settings, run = training.settings, f"runs/{training.settings['name']}"
    assert training.result is not None
    train = ["edgecnn", "train", settings["model"], "--data", settings["data"]]
    train += ["--recipe", settings["training"]] if settings["training"] != "default" else []
    for key, value in settings["given"].items():
        text = ",".join(map(str, value)) if isinstance(value, list) else str(value)
        train += [f"--{key.replace('_', '-')}", text]
    train += ["--on", settings["on"]] if settings["on"] != "auto" else []
    train += ["--seed", str(settings["seed"]), "-o", run]
    export = [
        "edgecnn",
        "export",
        run,
        "--target",
        cell.settings["device"],
        "--recipe",
        cell.settings["passes"],
    ]
    export += ["--on", settings["on"]] if settings["on"] != "auto" and cell.work > MEASURING else []
    export += ["--seed", str(cell.settings["seed"]), "-o", f"bundles/{cell.settings['name']}"]
    threads = f"OMP_NUM_THREADS={training.result['threads']} "
    return (threads + shlex.join(train), threads + shlex.join(export))


def _of_run(path: Path) -> Point:
    from edgecnn.pipeline.costs import costs
    from edgecnn.pipeline.network import short_name
    from edgecnn.sweeps.work import layers

    run, counted = run_folder.read(path), costs(path)
    key, metric = _METRICS[run.task]
    return Point(
        name=short_name(run.spec),
        spec=str(run.spec),
        recipe=FLOAT,
        precision="fp32",
        data=run.data,
        metric=metric,
        accuracy=run.metrics[key],
        interval=_interval(run.task, run.metrics[key], run.metrics["n"]),
        n=run.metrics["n"],
        mult_adds=counted.mult_adds,
        parameters=counted.parameters,
        memory_bytes=counted.peak_activation_bytes,
        file_bytes=None,
        latencies=(),
        commands=(),
        layers=tuple(map(tuple, layers(counted))),
        training=f"{run.recipe.epochs} epochs, seed {run.seed}, {run.device}",
        source=str(path),
    )


def _interval(task: str, share: float, n: int) -> tuple[float, float] | None:
    """Return the 95 % interval of a counted share; a Dice is none."""
    return wilson(round(share * n), n) if task == "classification" else None
