"""`edgecnn recommend`: the point to ship within limits, its runners-up, and what to relax where none fits.

Where a cost is limited, the most accurate point that fits is best. Where only accuracy is demanded, it is the
cheapest that has it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from edgecnn import units
from edgecnn.errors import EdgeCnnError
from edgecnn.sweeps.point import Point, places

RUNNERS_UP = 3


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What a point has to keep; None is no limit.

    Attributes:
        min_accuracy: a fraction.
        max_latency_s: of one picture, its median on `device`.
        device: a target's name or as a device is reached; None for the one that the points have latencies of.
            What was measured there counts first, then what is predicted.
        max_file_bytes: of the file that ships.
        max_memory_bytes: of activations.
        max_mult_adds: of the network.
    """

    min_accuracy: float | None = None
    max_latency_s: float | None = None
    device: str | None = None
    max_file_bytes: float | None = None
    max_memory_bytes: float | None = None
    max_mult_adds: float | None = None


@dataclass(frozen=True, kw_only=True)
class Relaxation:
    """The limits to relax, by flag and new value in words, so that a point fits."""

    point: Point
    flags: tuple[str, ...]

    def __str__(self) -> str:
        return f"{' '.join(self.flags)} ({self.point.title})"


@dataclass(frozen=True, kw_only=True)
class Recommendation:
    """The best point, None where none fits; then what to relax."""

    best: Point | None
    runners_up: tuple[Point, ...]
    relaxations: tuple[Relaxation, ...]
    device: str | None


@dataclass(frozen=True, kw_only=True)
class _Limit:
    flag: str
    value: float
    key: str
    most: bool  # whether it is the most that is allowed, or the least
    text: Any


def recommend(points: Sequence[Point], limits: Limits) -> Recommendation:
    """Return the point to ship.

    Raises:
        EdgeCnnError: there is no limit, the points are of several data sets, or none has a latency there.
    """
    data = dict.fromkeys((point.data, point.metric) for point in points)
    if len(data) > 1:
        names = ", ".join(f"{name} ({metric})" for name, metric in data)
        raise EdgeCnnError(f"accuracies on different data sets are not comparable: {names}; give one sweep")
    device = _device(points, limits)
    given = _given(limits)
    if not given:
        raise EdgeCnnError("give a limit, such as --max-latency 20ms, --max-size 2MB or --min-accuracy 90")
    known = [point for point in points if all(_value(point, limit, device) is not None for limit in given)]
    if not known:
        raise EdgeCnnError(
            "no point has all the figures that are limited; a run folder has no size or latency"
        )
    fitting = [point for point in known if all(_fits(point, limit, device) for limit in given)]
    if not fitting:
        return Recommendation(
            best=None, runners_up=(), relaxations=_relaxations(known, given, device), device=device
        )
    cheap = all(not limit.most for limit in given)
    ranked = sorted(fitting, key=lambda point: _rank(point, device, cheap=cheap))
    return Recommendation(
        best=ranked[0], runners_up=tuple(ranked[1 : 1 + RUNNERS_UP]), relaxations=(), device=device
    )


def _rank(point: Point, device: str | None, *, cheap: bool) -> tuple[float, ...]:
    latency = point.latency(device)
    cost = (
        float("inf") if latency is None else latency.median_s,
        float(point.mult_adds),
        float(point.file_bytes or 0),
    )
    return (*cost, -point.accuracy) if cheap else (-point.accuracy, *cost)


def _device(points: Sequence[Point], limits: Limits) -> str | None:
    """Return the one device whose latencies count, by its profile's name or as it is reached."""
    there, asked = places(points), limits.device
    if asked is None:
        if len(there) > 1 and limits.max_latency_s is not None:
            raise EdgeCnnError(f"there are latencies on {', '.join(there)}; say which with --device")
        return next(iter(there), None)
    found = [each for point in points for each in point.latencies if each.is_on(asked)]
    if not found:
        has = f"; there are latencies on {', '.join(there)}" if there else ""
        raise EdgeCnnError(
            f"no point has a latency on {asked}{has}: measure its bundles there with"
            " `edgecnn bench BUNDLE... --device ssh://user@board -o BENCH.jsonl` and give that file, too, or"
            " predict them: the same `edgecnn sweep` with --device"
        )
    addresses = dict.fromkeys(each.address for each in found if each.address)
    if len(addresses) > 1:
        raise EdgeCnnError(f"several {asked} were measured: say which with --device, {', '.join(addresses)}")
    return asked


def _given(limits: Limits) -> list[_Limit]:
    percent = lambda value: f"{100 * value:.2f}"  # noqa: E731  rounded down below
    found = (
        ("--min-accuracy", limits.min_accuracy, "accuracy", False, percent),
        ("--max-latency", limits.max_latency_s, "latency", True, _tight(1e-3, "ms")),
        ("--max-size", limits.max_file_bytes, "file_bytes", True, lambda value: f"{value:.0f}"),
        ("--max-memory", limits.max_memory_bytes, "memory_bytes", True, lambda value: f"{value:.0f}"),
        ("--max-mult-adds", limits.max_mult_adds, "mult_adds", True, lambda value: f"{value:.0f}"),
    )
    return [
        _Limit(flag=flag, value=value, key=key, most=most, text=text)
        for flag, value, key, most, text in found
        if value is not None
    ]


def _tight(scale: float, unit: str) -> Any:
    return lambda value: f"{value / scale * 1.0005:.4g}{unit}"


def _value(point: Point, limit: _Limit, device: str | None) -> float | None:
    if limit.key == "latency":
        latency = point.latency(device) if device is not None else None
        return None if latency is None else latency.median_s
    value = getattr(point, limit.key)
    return None if value is None else float(value)


def _fits(point: Point, limit: _Limit, device: str | None) -> bool:
    value = _value(point, limit, device)
    assert value is not None
    return value <= limit.value if limit.most else value >= limit.value


def _relaxations(
    points: Sequence[Point], given: Sequence[_Limit], device: str | None
) -> tuple[Relaxation, ...]:
    """Return for each limit the least that it alone has to give; or of those that have to together."""
    alone = []
    for limit in given:
        others = [each for each in given if each is not limit]
        able = [point for point in points if all(_fits(point, each, device) for each in others)]
        if able:
            nearest = min(able, key=lambda point: _excess(point, limit, device))
            alone.append(_relaxed(nearest, [limit], device))
    if alone:
        return tuple(alone)
    nearest = min(points, key=lambda point: sum(_excess(point, limit, device) for limit in given))
    broken = [limit for limit in given if not _fits(nearest, limit, device)]
    return (_relaxed(nearest, broken, device),)


def _excess(point: Point, limit: _Limit, device: str | None) -> float:
    """Return how far a value is beyond its limit, as a fraction of the limit."""
    value = _value(point, limit, device)
    assert value is not None
    return max(0.0, (value - limit.value if limit.most else limit.value - value) / (abs(limit.value) or 1.0))


def _relaxed(point: Point, broken: Sequence[_Limit], device: str | None) -> Relaxation:
    flags = []
    for limit in broken:
        value = _value(point, limit, device)
        assert value is not None
        if limit.key == "accuracy":
            value = int(value * 10_000) / 10_000  # so that the point fits the printed figure
        flags.append(f"{limit.flag} {limit.text(value)}")
    return Relaxation(point=point, flags=tuple(flags))


def caution(point: Point, device: str | None) -> str | None:
    """Say that a latency that counts is predicted, and by what; None where it was measured."""
    latency = point.latency(device)
    if latency is None or latency.kind == "measured":
        return None
    return f"that latency is predicted by: {latency.source}; measure it on the board: edgecnn bench"


def describe(point: Point, device: str | None) -> str:
    """Return a point's figures in one line, each with its kind."""
    latency = point.latency(device)
    parts = [f"{point.metric} {point.accuracy:.2%} measured"]
    parts += [f"{units.duration(latency.median_s)} {latency.kind} on {latency.device}"] if latency else []
    parts += [f"{units.size(point.file_bytes)}"] if point.file_bytes is not None else []
    return ", ".join([*parts, f"{units.count(point.mult_adds)} mult-adds computed"])
