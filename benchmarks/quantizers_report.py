"""The section of README.md on `quantize.py`, from its JSON result."""

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from report import latency_ratio, line

from edgecnn import units

Result = Mapping[str, Any]
Row = Mapping[str, Any]
_COLUMNS = (
    "quantizer", "top-1", "agreement", "SQNR", "wall time", "CPU time", "peak memory", "file", "latency"
)  # fmt: skip
_NONE = "-"
_OWN = "edgecnn"
_SLOWER = 1.02
_NOISE = 0.005  # of agreement: so much is chance on a thousand pictures


def section(result: Result) -> str:
    """Return the Markdown of one result of `quantize.py`."""
    host, settings = result["machine"], result["settings"]
    lines = [
        "## Float to int8 (`quantize.py`)",
        "",
        f"Measured on {result['date']} on {host['cpu']}, {host['cores']} cores,"
        f" {units.size(host['memory_bytes'])}, {host['system']}, Python {host['python']}; load average before"
        f" {host['load_before']:.1f}, after {host['load_after']:.1f}. {settings['pictures']} training"
        " pictures without labels calibrate; accuracy, agreement with the float network and SQNR are on the"
        " held-out ones.",
        "",
    ]
    for network in result["networks"]:
        lines += [*_table(network), ""]
    lines += ["Expected of edgecnn, and what this run shows:", "", *map(_expectation, result["networks"]), ""]
    lines += ["Versions:", "", *_versions(result), "", _METHOD]
    return "\n".join(lines)


def _table(network: Mapping[str, Any]) -> list[str]:
    return [
        f"### {network['name']}, int8",
        "",
        f"{network['n']} pictures; the float network's top-1 is {network['float_top1']:.2%}, its .tflite"
        f" file {units.size(network['float_bytes'])}.",
        "",
        line(_COLUMNS),
        line(["---", *["---:"] * (len(_COLUMNS) - 1)]),
        *(line(_cells(row)) for row in network["rows"]),
    ]


def _cells(row: Mapping[str, Any]) -> list[str]:
    name = row["quantizer"].replace("|", "\\|")
    if "failed" in row:
        return [name, "failed: " + row["failed"].replace("|", "\\|"), *[_NONE] * (len(_COLUMNS) - 2)]
    latency = row.get("latency_s")
    return [
        name,
        f"{row['top1']:.2%}",
        f"{row['agreement']:.2%}",
        f"{row['sqnr_db']:.1f} dB",
        units.duration(row["wall_s"]),
        units.duration(row["cpu_s"]),
        units.size(row["peak_bytes"]),
        units.size(row["bytes"]),
        units.duration(statistics.median(latency)) if latency else _NONE,
    ]


def _expectation(network: Mapping[str, Any]) -> str:
    """Return whether edgecnn's best recipe agrees as often as the best peer, and what the recipe loses."""
    done = [row for row in network["rows"] if "failed" not in row]
    own = [row for row in done if row["quantizer"].startswith(_OWN)]
    peers = [row for row in done if row not in own]
    if not own or not peers:
        return f"- {network['name']}: nothing to compare"
    mine, theirs = (max(rows, key=lambda row: row["agreement"]) for rows in (own, peers))
    behind = theirs["agreement"] - mine["agreement"]
    name = mine["quantizer"].replace("|", "\\|")
    return (
        f"- {network['name']}: `{name}` agrees on {mine['agreement']:.2%}, the best peer,"
        f" {theirs['quantizer']}, on {theirs['agreement']:.2%}"
        f" (at most {100 * _NOISE:.1f} points behind: {_word(behind <= _NOISE)}){_latency(mine, peers)}"
    )


def _latency(mine: Row, peers: Sequence[Row]) -> str:
    """Compare the latency of the file with that of the first peer's that the same runtime runs."""
    other = next((row for row in peers if "latency_s" in row), None)
    slower = None if other is None else latency_ratio(mine, other)
    if other is None or slower is None:
        return ""
    return f"; latency {slower:.3f} of {other['quantizer']}'s (at most {_SLOWER}: {_word(slower <= _SLOWER)})"


def _word(holds: bool) -> str:
    return "holds" if holds else "does not hold"


def _versions(result: Result) -> list[str]:
    told = {
        each["environment"] or _OWN: ", ".join(
            f"{name} {version}" for name, version in each["versions"].items()
        )
        for each in result["quantizers"]
    }
    return [f"- {name}: {versions or 'not installed'}" for name, versions in told.items()]


_METHOD = """\
How: every quantizer is a whole process, imports included, in an environment of its own, and reads the same
folded graph and the same pictures; each ran once. ai-edge-quantizer reads the float .tflite file that edgecnn
wrote. An .onnx file answers in ONNX Runtime as it is by default, a .tflite file in LiteRT, on one thread,
with its default kernels; the latency is the median of .tflite files that took turns in one process. SQNR is
the variance of the outputs over the mean square of their error. Differences of 0.3 points of top-1 and 0.5 of
agreement are chance on a thousand pictures.
"""
