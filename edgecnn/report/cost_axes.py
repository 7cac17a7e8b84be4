"""The costs that a chart draws accuracy against: what each is called, and how it is read and written."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from edgecnn import units
from edgecnn.sweeps.point import Cost, Point, costs


@dataclass(frozen=True, kw_only=True)
class Axis:
    """A cost to draw.

    Attributes:
        name: `mult_adds`, `latency`, `size` or `memory`.
        title: for people, with the kind of its figures.
        cost: a point's, None where it is not known.
        text: writes it.
        binary: whether its ticks are powers of 2.
        predicted: whether a point's is predicted and others' are measured.
    """

    name: str
    title: str
    cost: Callable[[Point], float | None]
    text: Callable[[float], str]
    binary: bool = False
    predicted: Callable[[Point], bool] = lambda _point: False


def axes(points: Sequence[Point]) -> list[Axis]:
    """Return the costs that these points can be drawn against, mult-adds first."""
    return [_axis(points, cost) for cost in costs(points)]


def _axis(points: Sequence[Point], cost: Cost) -> Axis:
    name = cost.name
    if cost.device is not None:
        return _latency(points, cost, cost.device)
    binary = name in ("size", "memory")
    return Axis(
        name=name,
        title=_TITLES[name],
        cost=cost.of,
        text=units.size if binary else units.count,
        binary=binary,
    )


_TITLES = {
    "mult_adds": "mult-adds (computed)",
    "size": "size of the file (measured)",
    "memory": "activations held at once (computed)",
}


def _latency(points: Sequence[Point], cost: Cost, device: str) -> Axis:
    found = [point.latency(device) for point in points]
    kinds = sorted({latency.kind for latency in found if latency is not None})
    how = kinds[0] if len(kinds) == 1 else "measured; dashed: predicted"

    def predicted(point: Point) -> bool:
        latency = point.latency(device)
        return len(kinds) > 1 and latency is not None and latency.kind == "predicted"

    return Axis(
        name=cost.name,
        title=f"latency on {device} ({how})",
        cost=cost.of,
        text=units.duration,
        predicted=predicted,
    )
