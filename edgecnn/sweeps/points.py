"""`Point`: a network in one precision, what it gets right and what it costs; and the Pareto front."""

import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from edgecnn import run_folder
from edgecnn.devices.measurement import Measurement
from edgecnn.devices.results import read_results
from edgecnn.errors import EdgeCnnError
from edgecnn.spec import ModelSpec
from edgecnn.sweeps.cells import FLOAT
from edgecnn.sweeps.store import Row, Store, is_sweep

_METRICS = {"classification": ("top1", "top-1"), "segmentation": ("dice", "Dice")}


@dataclass(frozen=True, kw_only=True)
class Latency:
    """The median time of one picture; `kind` is measured or predicted, `source` says where or by what."""

    device: str
    kind: str
    median_s: float
    p90_s: float | None
    source: str
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Point:
    """A network in one precision.

    Attributes:
        name: short, such as `mobilenet-w0.5-r32`.
        spec: the network, complete.
        recipe: the passes it went through; `fold` is none that changes it.
        precision: of what ships.
        data: the set whose held-out pictures were measured.
        metric: `top-1` or `Dice`.
        accuracy: a fraction of them; measured.
        interval: the 95 % interval of that, where known.
        n: how many pictures.
        mult_adds: computed.
        parameters: trainable scalars, as defined or as pruned; computed.
        memory_bytes: the most that activations take at once, computed; None where it was not asked for.
        file_bytes: of the file that ships; None for a training that was not exported.
        latencies: by device.
        commands: that make this point anew.
        layers: name, kind, output, mult-adds, parameters, bytes of weights and of activations of each.
        training: in words.
        notes: what to know about it.
        source: the sweep or run it is from.
        bundle: the name of what ships, by which measurements of `edgecnn bench` find it.
    """

    name: str
    spec: str
    recipe: str
    precision: str
    data: str
    metric: str
    accuracy: float
    interval: tuple[float, float] | None
    n: int
    mult_adds: int
    parameters: int
    memory_bytes: int | None
    file_bytes: int | None
    latencies: tuple[Latency, ...]
    commands: tuple[str, ...]
    layers: tuple[tuple[Any, ...], ...] = field(repr=False, default=())
    training: str = ""
    notes: tuple[str, ...] = ()
    source: str = ""
    bundle: str = ""

    @property
    def title(self) -> str:
        """The name and, where it is not plain float, what was done to it."""
        return f"{self.name} {self.label}"

    @property
    def label(self) -> str:
        """`float`, or the passes."""
        return "float" if self.recipe == FLOAT else self.recipe

    @property
    def arch(self) -> str:
        """The architecture."""
        return ModelSpec.parse(self.spec).arch

    def latency(self, device: str | None) -> Latency | None:
        """Return the latency on a device; without one, the only or first there is."""
        found = [each for each in self.latencies if device in (None, each.device)]
        return found[0] if found else None

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON data, each figure with its kind."""
        plain = asdict(self)
        plain.pop("layers")
        kinds = {"accuracy": "measured", "file_bytes": "measured"}
        kinds |= {"mult_adds": "computed", "parameters": "computed", "memory_bytes": "computed"}
        return {"title": self.title, **plain, "kinds": kinds}


Cost = Callable[[Point], float | None]
COSTS: Mapping[str, Cost] = {
    "mult_adds": lambda point: point.mult_adds,
    "latency": lambda point: None if point.latency(None) is None else point.latencies[0].median_s,
    "size": lambda point: point.file_bytes,
    "memory": lambda point: point.memory_bytes,
}


def front(points: Sequence[Point], cost: Cost) -> list[Point]:
    """Return the Pareto front, the cheapest first: no other point is as cheap and more accurate.

    Of points of one cost and accuracy, the first is kept; points of other data sets are never compared, so
    that all have to be of one.
    """
    known = [(value, point) for point in points if (value := cost(point)) is not None]
    kept: list[Point] = []
    for _, point in sorted(known, key=lambda each: (each[0], -each[1].accuracy)):
        if not kept or point.accuracy > kept[-1].accuracy:
            kept.append(point)
    return kept


def read_points(paths: Sequence[str | Path]) -> list[Point]:
    """Return the points of sweeps and run folders.

    Args:
        paths: of sweeps, run folders, and results of `edgecnn bench` (.jsonl), whose latencies are added.

    Raises:
        EdgeCnnError: a path is none of these, there is no finished point, or a measured bundle is of none.
    """
    found: list[Point] = []
    measured = [each for path in paths if Path(path).suffix == ".jsonl" for each in read_results(path)]
    for path in (path for path in paths if Path(path).suffix != ".jsonl"):
        if run_folder.is_run_folder(path):
            found.append(_of_run(Path(path)))
        elif is_sweep(path):
            store = Store(path)
            try:
                points = points_of(store)
            finally:
                store.close()
            if not points:
                raise EdgeCnnError(
                    f"the sweep {path} has no finished cell; `edgecnn sweep -o {path}` goes on"
                )
            found += points
        else:
            raise EdgeCnnError(f"{path} is no sweep and no run folder; see `edgecnn sweep --help`")
    if not found:
        raise EdgeCnnError("there is nothing to report; name a sweep or a run folder")
    return _with_measurements(found, measured)


def _with_measurements(points: Sequence[Point], measured: Sequence[Measurement]) -> list[Point]:
    """Return the points with the latencies that `edgecnn bench` measured of their bundles."""
    known = {point.bundle for point in points if point.bundle}
    strange = [each.name for each in measured if each.name not in known]
    if strange:
        raise EdgeCnnError(f"{strange[0]} was measured and is in none of these sweeps; give its sweep, too")
    more: dict[str, dict[str, Latency]] = {}
    for each in measured:
        threads = "" if each.threads is None else f", {each.threads} thread"
        more.setdefault(each.name, {})[each.device] = Latency(
            device=each.device,
            kind="measured",
            median_s=each.median_s,
            p90_s=each.p90_s,
            source=f"edgecnn bench{threads}, {each.date}",
            warnings=each.warnings,
        )
    return [
        replace(point, latencies=(*more.get(point.bundle, {}).values(), *point.latencies)) for point in points
    ]


def points_of(store: Store) -> list[Point]:
    """Return the finished cells of a sweep as points."""
    rows = {row.key: row for row in store.rows()}
    timings = [row for row in rows.values() if row.kind == "time" and row.result]
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
        training=f"{epochs} epochs, seed {training.settings['seed']}, {training.result['trained_on']},"
        f" {training.result['threads']} threads",
        notes=tuple(result["notes"]),
        source=str(store.file),
        bundle=cell.settings["name"],
    )


def _latencies(key: str, timings: Sequence[Row]) -> list[Latency]:
    """Return the latest latency on each device."""
    found: dict[str, Latency] = {}
    for row in timings:
        timed = (row.result or {}).get("cells", {}).get(key)
        if timed is not None:
            device = row.settings["device"]
            where = ", ".join([*timed["environment"].values(), f"{timed['threads']} thread"])
            found[device] = Latency(
                device=device,
                kind="measured",
                median_s=timed["median_s"],
                p90_s=timed["p90_s"],
                source=f"{where}, {timed['date']}",
                warnings=tuple(timed["warnings"]),
            )
    return list(found.values())


def _commands(training: Row, cell: Row) -> tuple[str, ...]:
    """Return the two commands that make a point anew: the same bytes on the same machine and versions."""
    settings, run = training.settings, f"runs/{training.settings['name']}"
    assert training.result is not None
    train = ["edgecnn", "train", settings["model"], "--data", settings["data"]]
    train += ["--recipe", settings["training"]] if settings["training"] != "default" else []
    for key, value in settings["given"].items():
        text = ",".join(map(str, value)) if isinstance(value, list) else str(value)
        train += [f"--{key.replace('_', '-')}", text]
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
        interval=None,
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
