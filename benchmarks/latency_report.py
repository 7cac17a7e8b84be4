"""The sections of README.md about `latency.py` and `latency_grid.py`."""

import statistics
from collections.abc import Mapping
from typing import Any

from edgecnn import units

WITHIN = 0.03


def tool_section(result: Mapping[str, Any]) -> str:
    """Return the Markdown of one result of `latency.py`."""
    settings = result["settings"]
    lines = [
        "## Latency beside LiteRT's own benchmark tool (`latency.py`)",
        "",
        f"{_where(result)} {settings['rounds']} turns of each in an order drawn anew, each a process of"
        f" {settings['runs']} inferences after a warm-up; one thread; LiteRT"
        f" {result['versions'].get('ai-edge-litert', '')}. Medians over turns of each turn's median.",
        "",
        "| network | `edgecnn bench` | `benchmark_litert_model` | ours / theirs | within 3 % |",
        "|---|---:|---:|---:|---|",
    ]
    return "\n".join([*lines, *(_tool_row(row) for row in result["rows"]), ""])


def difference(row: Mapping[str, Any]) -> float:
    """Return by how much of theirs our median is longer."""
    ours, theirs = (statistics.median(row[who]) for who in ("edgecnn", "litert"))
    return ours / theirs - 1


def _tool_row(row: Mapping[str, Any]) -> str:
    ours, theirs = (units.duration(statistics.median(row[who])) for who in ("edgecnn", "litert"))
    verdict = "holds" if abs(difference(row)) <= WITHIN else "does not hold"
    return f"| {row['name']} | {ours} | {theirs} | {1 + difference(row):.3f} | {verdict} |"


def grid_section(result: Mapping[str, Any]) -> str:
    """Return the Markdown of one result of `latency_grid.py`."""
    first = result["rows"][0]
    fixed = first["environment"]
    lines = [
        "## Latency of MobileNet against mult-adds (`latency_grid.py`)",
        "",
        f"{_where(result)} Medians of {first['runs']} inferences each on `{result['device']}`,"
        f" {fixed['threads']} thread{'s' * (fixed['threads'] > 1)}, {fixed['runtime']}, all in turns, outputs"
        f" verified first. Published: {result['published']}; as published, another machine. The MobileNet"
        " paper itself prints no milliseconds. ![latency against mult-adds](results/latency_grid.svg)",
        "",
        "| width | resolution | mult-adds | float32 | IQR | int8 | IQR | published float | published int8 |",
        "|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    by_cell: dict[tuple[float, int], dict[str, Mapping[str, Any]]] = {}
    for row in result["rows"]:
        by_cell.setdefault((row["width"], row["res"]), {})[row["precision"]] = row
    return "\n".join([*lines, *(_grid_row(*cell, rows) for cell, rows in by_cell.items()), ""])


def _grid_row(width: float, res: int, rows: Mapping[str, Mapping[str, Any]]) -> str:
    full, int8 = rows["fp32"], rows["int8"]
    cells = [f"{width:g}", str(res), units.count(full["mult_adds"])]
    for row in (full, int8):
        cells += [units.duration(row["median_s"]), f"{row['iqr_s'] / row['median_s']:.0%}"]
    cells += [f"{row['published_s'] * 1e3:g} ms" for row in (full, int8)]
    return f"| {' | '.join(cells)} |"


def _where(result: Mapping[str, Any]) -> str:
    host = result["machine"]
    return (
        f"Measured on {result['date']} on {host['cpu']}, {host['cores']} cores,"
        f" {units.size(host['memory_bytes'])}, {host['system']}, Python {host['python']}; load average before"
        f" {host['load_before']:.1f}, after {host['load_after']:.1f}."
    )
