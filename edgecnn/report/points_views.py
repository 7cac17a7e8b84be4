"""Points of accuracy against cost as tables: for a terminal, as Markdown, CSV and plain data."""

import csv
import io
from collections.abc import Sequence
from typing import Any

from edgecnn import units
from edgecnn.report.tables import print_line, print_table
from edgecnn.sweeps.points import COSTS, Point, front

COLUMNS = (
    "network", "precision", "accuracy, measured", "mult-adds, computed", "parameters, computed",
    "size, measured", "activations, computed", "latency",
)  # fmt: skip
_NAMES = {"mult_adds": "mult-adds", "latency": "latency", "size": "size", "memory": "memory"}
_NONE = "-"


def by_data(points: Sequence[Point]) -> dict[tuple[str, str], list[Point]]:
    """Return the points of each data set and metric apart: their accuracies cannot be compared."""
    found: dict[tuple[str, str], list[Point]] = {}
    for point in points:
        found.setdefault((point.data, point.metric), []).append(point)
    return found


def cells(point: Point) -> tuple[str, ...]:
    """Return a point's figures for people, in the order of `COLUMNS`."""
    latency = point.latency(None)
    return (
        point.name,
        point.label,
        f"{point.accuracy:.2%}",
        units.count(point.mult_adds),
        units.count(point.parameters),
        _NONE if point.file_bytes is None else units.size(point.file_bytes),
        _NONE if point.memory_bytes is None else units.size(point.memory_bytes),
        _NONE if latency is None else f"{units.duration(latency.median_s)} {latency.kind}, {latency.device}",
    )


def on_front(points: Sequence[Point], point: Point) -> list[str]:
    """Return on which fronts a point lies, of all points of its data set."""
    same = by_data(points)[(point.data, point.metric)]
    return [_NAMES[name] for name, cost in COSTS.items() if any(each is point for each in front(same, cost))]


def print_points(points: Sequence[Point], last: str = "") -> None:
    """Print a table for each data set, with a mark at the points of the front of accuracy and mult-adds."""
    for (data, metric), own in by_data(points).items():
        best = front(own, COSTS["mult_adds"])
        rows = [(*cells(point), "*" if any(each is point for each in best) else "") for point in own]
        title = f"{data}: {metric} on {own[0].n} held-out pictures; * on the front against mult-adds"
        print_table((*COLUMNS, ""), rows, title=title, numeric=COLUMNS[2:], optional=COLUMNS[6:7])
        print_line("")
    if len(by_data(points)) > 1:
        print_line("note: accuracies on different data sets are not comparable, and are kept apart")
    if last:
        print_line(last)


def to_json(points: Sequence[Point]) -> dict[str, Any]:
    """Return plain JSON data: the points, and for each data set and cost the titles on the front."""
    fronts = [
        {"data": data, "metric": metric, "against": name, "titles": [each.title for each in front(own, cost)]}
        for (data, metric), own in by_data(points).items()
        for name, cost in COSTS.items()
    ]
    return {"points": [point.to_json() for point in points], "front": fronts}


def to_csv(points: Sequence[Point]) -> str:
    """Return one line for each point, unrounded, in SI units."""
    rows = [_flat(points, point) for point in points]
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def _flat(points: Sequence[Point], point: Point) -> dict[str, Any]:
    latency = point.latency(None)
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
        "latency_s": None if latency is None else latency.median_s,
        "latency_kind": None if latency is None else latency.kind,
        "latency_device": None if latency is None else latency.device,
        "front": " ".join(on_front(points, point)),
        "training": point.training,
        "commands": " && ".join(point.commands),
        "source": point.source,
    }


def to_markdown(points: Sequence[Point]) -> str:
    """Return a GitHub table for each data set, and the commands of the points on its front."""
    blocks = []
    for (data, metric), own in by_data(points).items():
        heading = f"## {_escaped(data)}: {metric} on {own[0].n} held-out pictures"
        lines = [_line((*COLUMNS, "on the front of")), _line(["---"] * 2 + ["---:"] * 6 + ["---"])]
        lines += [_line((*cells(point), ", ".join(on_front(own, point)))) for point in own]
        best = [point for point in front(own, COSTS["mult_adds"]) if point.commands]
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
