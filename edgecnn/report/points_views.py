"""Points of accuracy against cost as tables: for a terminal, as Markdown, CSV and plain data."""

import csv
import io
from collections.abc import Sequence
from typing import Any

from edgecnn import units
from edgecnn.report.tables import print_line, print_table
from edgecnn.sweeps.point import Latency, Point, costs, front, places

_COLUMNS = (
    "network", "recipe", "accuracy, measured", "mult-adds, computed", "parameters, computed",
    "size, measured", "activations, computed",
)  # fmt: skip
_NONE = "-"


def by_data(points: Sequence[Point]) -> dict[tuple[str, str], list[Point]]:
    """Return the points of each data set and metric apart: their accuracies cannot be compared."""
    found: dict[tuple[str, str], list[Point]] = {}
    for point in points:
        found.setdefault((point.data, point.metric), []).append(point)
    return found


def columns(devices: Sequence[str]) -> tuple[str, ...]:
    """Return the headings of a table of points, with a latency on each of these devices."""
    return (*_COLUMNS, *(f"latency on {name}" for name in devices))


def cells(point: Point, devices: Sequence[str]) -> tuple[str, ...]:
    """Return a point's figures for people, in the order of `columns`."""
    return (
        point.name,
        point.label,
        f"{point.accuracy:.2%}",
        units.count(point.mult_adds),
        units.count(point.parameters),
        _NONE if point.file_bytes is None else units.size(point.file_bytes),
        _NONE if point.memory_bytes is None else units.size(point.memory_bytes),
        *(_latency(point.latency(name)) for name in devices),
    )


def _latency(latency: Latency | None) -> str:
    return _NONE if latency is None else f"{units.duration(latency.median_s)} {latency.kind}"


def on_front(points: Sequence[Point], point: Point) -> list[str]:
    """Return on which fronts a point lies, of all points of its data set."""
    same = by_data(points)[(point.data, point.metric)]
    return [cost.title for cost in costs(same) if any(each is point for each in front(same, cost.of))]


def print_points(points: Sequence[Point], last: str = "") -> None:
    """Print a table for each data set, with a mark at the points of the front of accuracy and mult-adds."""
    for (data, metric), own in by_data(points).items():
        best, devices = front(own, _mult_adds), places(own)
        rows = [(*cells(point, devices), "*" if any(each is point for each in best) else "") for point in own]
        title = f"{data}: {metric} on {own[0].n} held-out pictures; * on the front against mult-adds"
        heads = columns(devices)
        print_table((*heads, ""), rows, title=title, numeric=heads[2:], optional=heads[6:7])
        print_line("")
    for note in dict.fromkeys(note for point in points for note in point.missing):
        print_line(f"note: {note}")
    if len(by_data(points)) > 1:
        print_line("note: accuracies on different data sets are not comparable, and are kept apart")
    if last:
        print_line(last)


def _mult_adds(point: Point) -> float:
    return point.mult_adds


def to_json(points: Sequence[Point]) -> dict[str, Any]:
    """Return plain JSON data: the points, and for each data set and cost the titles on the front."""
    fronts = [
        {
            "data": data,
            "metric": metric,
            "against": cost.name,
            "device": cost.device,
            "titles": [each.title for each in front(own, cost.of)],
        }
        for (data, metric), own in by_data(points).items()
        for cost in costs(own)
    ]
    return {"points": [point.to_json() for point in points], "front": fronts}


def to_csv(points: Sequence[Point]) -> str:
    """Return one line for each point, unrounded, in SI units, with two columns for each device."""
    rows = [_flat(points, point) for point in points]
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def _flat(points: Sequence[Point], point: Point) -> dict[str, Any]:
    low, high = point.interval or (None, None)
    return {
        "data": point.data,
        "name": point.name,
        "spec": point.spec,
        "recipe": point.recipe,
        "precision": point.precision,
        "metric": point.metric,
        "accuracy_measured": point.accuracy,
        "accuracy_low": low,
        "accuracy_high": high,
        "n": point.n,
        "mult_adds_computed": point.mult_adds,
        "parameters_computed": point.parameters,
        "file_bytes_measured": point.file_bytes,
        "memory_bytes_computed": point.memory_bytes,
        **_latencies(point, places(points)),
        "front": "; ".join(on_front(points, point)),
        "training": point.training,
        "commands": " && ".join(point.commands),
        "source": point.source,
    }


def _latencies(point: Point, devices: Sequence[str]) -> dict[str, Any]:
    found = {name: point.latency(name) for name in devices}
    return {
        f"latency_{key} on {name}": getattr(latency, attribute, None)
        for name, latency in found.items()
        for key, attribute in (("s", "median_s"), ("kind", "kind"))
    }


def to_markdown(points: Sequence[Point]) -> str:
    """Return a GitHub table for each data set, and the commands of the points on its front."""
    blocks = []
    for (data, metric), own in by_data(points).items():
        heading = f"## {_escaped(data)}: {metric} on {own[0].n} held-out pictures"
        devices = places(own)
        heads = columns(devices)
        lines = [_line((*heads, "on the front of"))]
        lines.append(_line(["---"] * 2 + ["---:"] * (len(heads) - 2) + ["---"]))
        lines += [_line((*cells(point, devices), ", ".join(on_front(own, point)))) for point in own]
        best = [point for point in front(own, _mult_adds) if point.commands]
        commands = ["\n".join(["```sh", f"# {point.title}", *point.commands, "```"]) for point in best]
        blocks += [heading, "\n".join(lines), *commands]
    if len(by_data(points)) > 1:
        blocks.insert(0, "Accuracies on different data sets are not comparable, and are kept apart.")
    return "\n\n".join(blocks) + "\n"


def _line(each: Sequence[str]) -> str:
    return f"| {' | '.join(map(_escaped, each))} |"


def _escaped(text: str) -> str:
    for sign in ("\\", "|", "<", "`", "*", "["):
        text = text.replace(sign, f"\\{sign}")
    return " ".join(text.split())
