"""`Point`: a network in one precision, what it gets right and what it costs; and the Pareto front."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from edgecnn.spec import ModelSpec
from edgecnn.sweeps.cells import FLOAT


@dataclass(frozen=True, kw_only=True)
class Latency:
    """The median time of one picture on a device.

    Attributes:
        device: the name of its profile; how it is reached, where none is known.
        kind: `measured` or `predicted`.
        median_s: in seconds.
        p90_s: the time that 90 % stay below; None where predicted.
        source: where it was measured, or what predicts it.
        address: how the device was reached; empty where predicted.
        threads: CPU threads, where the runtime or the prediction knows any.
        warnings: what makes it doubtful.
    """

    device: str
    kind: str
    median_s: float
    p90_s: float | None
    source: str
    address: str = ""
    threads: int | None = None
    warnings: tuple[str, ...] = ()

    def is_on(self, name: str) -> bool:
        """Return whether a name, of a profile or as a device is reached, is this device's."""
        return name in (self.device, self.address)


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
        mult_adds: computed, as are `parameters` (trainable scalars as defined, or as pruned).
        memory_bytes: the most that activations take at once, computed; None where it was not asked for.
        file_bytes: of the file that ships; None for a training that was not exported.
        latencies: by device.
        commands: that make this point anew.
        layers: name, kind, output, mult-adds, parameters, bytes of weights and of activations of each.
        training: in words.
        notes: what to know about it.
        missing: why it lacks a latency that was asked for.
        source: the sweep or run it is from.
        bundle: the name of what ships, by which measurements of `edgecnn bench` find it.
        target: what it was compiled for; empty for a training that was not exported.
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
    missing: tuple[str, ...] = ()
    source: str = ""
    bundle: str = ""
    target: str = ""

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
        """Return the latency on a device, or on any: measured before predicted, fewer threads first."""
        found = [each for each in self.latencies if device is None or each.is_on(device)]
        return min(found, key=lambda each: (each.kind != "measured", each.threads or 1), default=None)

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON data, each figure with its kind."""
        plain = asdict(self)
        plain.pop("layers")
        kinds = {"accuracy": "measured", "file_bytes": "measured"}
        kinds |= {"mult_adds": "computed", "parameters": "computed", "memory_bytes": "computed"}
        return {"title": self.title, **plain, "kinds": kinds}


@dataclass(frozen=True, kw_only=True)
class Cost:
    """A cost to weigh accuracy against; of a latency with its device.

    Attributes:
        name: `mult_adds`, `latency`, `size` or `memory`.
        title: for people.
        of: a point's, None where it is not known.
        device: of a latency.
    """

    name: str
    title: str
    of: Callable[[Point], float | None]
    device: str | None = None


def places(points: Sequence[Point]) -> list[str]:
    """Return the devices that latencies are told apart by, those that measured first.

    They are profiles; where several devices of one profile measured, they are as each is reached.
    """
    found: dict[str, dict[str, None]] = {}
    for latency in (each for point in points for each in point.latencies):
        addresses = found.setdefault(latency.device, {})
        if latency.address:
            addresses[latency.address] = None
    ranked = sorted(found, key=lambda device: not found[device])
    return [name for device in ranked for name in (found[device] if len(found[device]) > 1 else [device])]


def costs(points: Sequence[Point]) -> list[Cost]:
    """Return the costs that these points can be weighed against."""
    return [
        Cost(name="mult_adds", title="mult-adds", of=lambda point: point.mult_adds),
        *(_latency_on(name) for name in places(points)),
        Cost(name="size", title="size", of=lambda point: point.file_bytes),
        Cost(name="memory", title="memory", of=lambda point: point.memory_bytes),
    ]


def _latency_on(name: str) -> Cost:
    def of(point: Point) -> float | None:
        latency = point.latency(name)
        return None if latency is None else latency.median_s

    return Cost(name="latency", title=f"latency on {name}", of=of, device=name)


def front(points: Sequence[Point], cost: Callable[[Point], float | None]) -> list[Point]:
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
