"""The section of README.md about the sweep on Fashion-MNIST."""

from collections.abc import Mapping, Sequence
from typing import Any

from edgecnn import units

Row = Mapping[str, Any]

_COLUMNS = ("network", "recipe", "top-1", "95 %", "mult-adds", "parameters", "file", "latency", "training")


def section(result: Mapping[str, Any]) -> str:
    """Return the Markdown of a result of `sweep.py`."""
    host, points = result["machine"], result["points"]
    return "\n".join([
        "## A sweep on Fashion-MNIST (`sweep.py`)",
        "",
        f"Measured on {result['date']} on {host['cpu']}, {host['cores']} cores, {host['system']}, Python"
        f" {host['python']}: top-1 on the 10,000 test images; medians of {result['runs']} inferences each in"
        f" {result['runtime']} on one thread, all in turns, load average before"
        f" {host['load_before']:.1f}, after {host['load_after']:.1f}. Mult-adds and parameters are computed."
        " Trainings are short, as the last column says: with more epochs every network gets better.",
        "",
        "![accuracy against mult-adds](results/sweep.svg)",
        "",
        _line(_COLUMNS),
        _line(["---", "---", *["---:"] * 6, "---"]),
        *(_line(_cells(row)) for row in points),
        "",
        _lost(points),
        "",
    ])  # fmt: skip


def _cells(row: Row) -> list[str]:
    low, high = row["interval"]
    return [
        row["name"],
        "float" if row["recipe"] == "fold" else row["recipe"].replace("|", "\\|"),
        f"{row['accuracy']:.2%}",
        f"{low:.1%} to {high:.1%}",
        units.count(row["mult_adds"]),
        units.count(row["parameters"]),
        units.size(row["file_bytes"]),
        units.duration(row["latencies"][0]["median_s"]),
        row["training"].partition(",")[0],
    ]


def _lost(points: Sequence[Row]) -> str:
    """Say what int8 costs beside float of the same network."""
    plain = {row["name"]: row for row in points if row["recipe"] == "fold"}
    pairs = [(row, plain[row["name"]]) for row in points if row["recipe"] != "fold" and row["name"] in plain]
    drops = [one["accuracy"] - row["accuracy"] for row, one in pairs]
    sizes = [one["file_bytes"] / row["file_bytes"] for row, one in pairs]
    faster = [one["latencies"][0]["median_s"] / row["latencies"][0]["median_s"] for row, one in pairs]
    return (
        f"int8 beside float of the same network, {len(pairs)} of them: {_range(drops, 100, '+.2f')} points"
        f" lost, files {_range(sizes, 1, '.1f')} times smaller, {_range(faster, 1, '.1f')} times faster."
    )


def _range(values: Sequence[float], scale: float, form: str) -> str:
    return f"{scale * min(values):{form}} to {scale * max(values):{form}}"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
