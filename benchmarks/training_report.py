"""The section of README.md about the rate of training."""

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

_OWN, _PLAIN, _GRAPH = "edgecnn", "plain", "plain, of the graph"
_LEAST = 0.95


def section(result: Mapping[str, Any]) -> str:
    """Return the Markdown of a result of `training.py`."""
    host = result["machine"]
    loops = list(result["networks"][0]["seconds"])
    rates = (f"{loop}, images/s" for loop in loops)
    columns = ("network", "batch", *rates, "edgecnn / plain", "graph / module", "expected")
    rows = [_cells(row) for row in result["networks"]]
    return "\n".join([
        "## The training loop (`training.py`)",
        "",
        f"Measured on {result['date']} on {host['cpu']}, {host['cores']} cores, {host['system']},"
        f" Python {host['python']}, torch {result['torch']}, threads: {result['threads']}; load average"
        f" before {host['load_before']:.1f}, after {host['load_after']:.1f}. Medians of"
        f" {len(result['networks'][0]['seconds'][_OWN])} turns; the ratios are medians over rounds of the"
        " plain loop's time over another's in the same round: that of edgecnn's loop, and that of the plain"
        " loop over the network's graph (`edgecnn.to_module`).",
        "",
        _line(columns),
        _line(["---", *["---:"] * (len(columns) - 1)]),
        *map(_line, rows),
        "",
    ])  # fmt: skip


def ratio(row: Mapping[str, Any], loop: str) -> float:
    """Return by how much a loop is faster than the plain one, round by round."""
    seconds = row["seconds"]
    return statistics.median(a / b for a, b in zip(seconds[_PLAIN], seconds[loop], strict=True))


def _cells(row: Mapping[str, Any]) -> list[str]:
    rates = [f"{row['images'] / statistics.median(seconds):.0f}" for seconds in row["seconds"].values()]
    ratios = [ratio(row, loop) for loop in (_OWN, _GRAPH)]
    word = "holds" if min(ratios) >= _LEAST else "does not hold"
    shown = (f"{each:.2f}" for each in ratios)
    return [f"`{row['network']}`", str(row["batch"]), *rates, *shown, f"at least {_LEAST}: {word}"]


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
