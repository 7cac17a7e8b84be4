"""The section of README.md about the rate of training."""

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

_OWN, _PLAIN = "edgecnn", "plain"
_LEAST = 0.95


def section(result: Mapping[str, Any]) -> str:
    """Return the Markdown of a result of `training.py`."""
    host = result["machine"]
    loops = list(result["networks"][0]["seconds"])
    columns = ("network", "batch", *(f"{loop}, images/s" for loop in loops), "edgecnn / plain", "expected")
    rows = [_cells(row) for row in result["networks"]]
    return "\n".join([
        "## The training loop (`training.py`)",
        "",
        f"Measured on {result['date']} on {host['cpu']}, {host['cores']} cores, {host['system']},"
        f" Python {host['python']}, torch {result['torch']}, threads: {result['threads']}; load average"
        f" before {host['load_before']:.1f}, after {host['load_after']:.1f}. Medians of"
        f" {len(result['networks'][0]['seconds'][_OWN])} turns; the ratio is the median over rounds of the"
        " plain loop's time over edgecnn's in the same round.",
        "",
        _line(columns),
        _line(["---", *["---:"] * (len(columns) - 1)]),
        *map(_line, rows),
        "",
    ])  # fmt: skip


def ratio(row: Mapping[str, Any]) -> float:
    """Return by how much edgecnn's loop is faster than the plain one, round by round."""
    seconds = row["seconds"]
    return statistics.median(a / b for a, b in zip(seconds[_PLAIN], seconds[_OWN], strict=True))


def _cells(row: Mapping[str, Any]) -> list[str]:
    rates = [f"{row['images'] / statistics.median(seconds):.0f}" for seconds in row["seconds"].values()]
    word = "holds" if ratio(row) >= _LEAST else "does not hold"
    expected = f"at least {_LEAST}: {word}"
    return [f"`{row['network']}`", str(row["batch"]), *rates, f"{ratio(row):.2f}", expected]


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
