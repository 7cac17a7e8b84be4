"""The section of README.md on `quantize.py`, from its JSON result."""

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from quantizers import DEFAULT, PER_TENSOR
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
_LEAST = 0.99  # of agreement
_MOST_LOST, _MANY = 0.3, 10_000  # points of top-1, which are chance on fewer pictures


def section(result: Result) -> str:
    """Return the Markdown of one result of `quantize.py`."""
    host, settings = result["machine"], result["settings"]
    lines = [
        "## Float to int8 (`quantize.py`)",
        "",
        f"Measured on {result['date']} on {host['cpu']}, {host['cores']} cores,"
        f" {units.size(host['memory_bytes'])}, {host['system']}, Python {host['python']}; load average before"
        f" {host['load_before']:.1f}, after {host['load_after']:.1f}. {settings['pictures']} training"
        f" pictures without labels calibrate, drawn {settings['draws']} times; accuracy, agreement with the"
        " float network and SQNR are on the held-out ones: the mean of the draws (lowest to highest).",
        "",
    ]
    for network in result["networks"]:
        lines += [*_table(network), ""]
    lines += ["Expected of edgecnn, and what this run shows, in the mean over the draws:", ""]
    lines += [*(each for network in result["networks"] for each in _expectations(network)), ""]
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
    name = _escaped(row["quantizer"])
    if "failed" in row:
        return [name, "failed: " + _escaped(row["failed"]), *[_NONE] * (len(_COLUMNS) - 2)]
    latency = row.get("latency_s")
    return [
        name,
        _spread(row["top1"]),
        _spread(row["agreement"]),
        f"{statistics.mean(row['sqnr_db']):.1f} dB",
        units.duration(statistics.median(row["wall_s"])),
        units.duration(statistics.median(row["cpu_s"])),
        units.size(statistics.median(row["peak_bytes"])),
        units.size(row["bytes"]),
        units.duration(statistics.median(latency)) if latency else _NONE,
    ]


def _spread(fractions: Sequence[float]) -> str:
    """Return the mean of the draws, and the lowest and the highest of them."""
    mean, low, high = statistics.mean(fractions), min(fractions), max(fractions)
    return f"{mean:.2%} ({100 * low:.2f} to {100 * high:.2f})"


def _expectations(network: Mapping[str, Any]) -> list[str]:
    """Return what the default recipe keeps, beside the best peer's mean, and what it keeps per tensor."""
    done = {row["quantizer"]: row for row in network["rows"] if "failed" not in row}
    own, peers = done.get(DEFAULT), [row for name, row in done.items() if not name.startswith(_OWN)]
    if own is None:
        return [f"- {network['name']}: the default recipe failed"]
    mine = statistics.mean(own["agreement"])
    found = [
        f"`{_escaped(DEFAULT)}`, the default, agrees on {mine:.2%}"
        f" (at least {_LEAST:.0%}: {_word(mine >= _LEAST)})"
    ]
    if peers:
        best = max(peers, key=lambda row: statistics.mean(row["agreement"]))
        theirs = statistics.mean(best["agreement"])
        holds = _word(theirs - mine <= _NOISE)
        found.append(
            f"the best peer, {best['quantizer']}, on {theirs:.2%}"
            f" (at most {100 * _NOISE:.1f} points behind: {holds})"
        )
    if network["n"] >= _MANY:
        lost = _lost(own, network)
        found.append(f"{lost:.2f} points of top-1 lost (at most {_MOST_LOST}: {_word(lost <= _MOST_LOST)})")
    found += [each for each in (_latency(own, peers), _per_tensor(done, network)) if each]
    return [f"- {network['name']}: {'; '.join(found)}"]


def _lost(row: Row, network: Mapping[str, Any]) -> float:
    """Return the points of top-1 that a quantizer loses, the mean of the draws."""
    return 100 * float(network["float_top1"] - statistics.mean(row["top1"]))


def _per_tensor(done: Mapping[str, Row], network: Mapping[str, Any]) -> str:
    rows = [done[name] for name in PER_TENSOR if name in done]
    if len(rows) < len(PER_TENSOR):
        return ""
    plain, equalized = (_lost(row, network) for row in rows)
    return (
        f"with one scale for each weight {plain:.2f} points of top-1 lost,"
        f" equalized and corrected {equalized:.2f}"
    )


def _latency(mine: Row, peers: Sequence[Row]) -> str:
    """Compare the latency of the file with that of the first peer's that the same runtime runs."""
    other = next((row for row in peers if "latency_s" in row), None)
    slower = None if other is None else latency_ratio(mine, other)
    if other is None or slower is None:
        return ""
    return f"latency {slower:.3f} of {other['quantizer']}'s (at most {_SLOWER}: {_word(slower <= _SLOWER)})"


def _escaped(text: str) -> str:
    return text.replace("|", "\\|")


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
folded graph and the same pictures, once for each draw; times and memory are medians. ai-edge-quantizer reads
the float .tflite file that edgecnn wrote. An .onnx file answers in ONNX Runtime as it is by default, a
.tflite file in LiteRT, on one thread, with its default kernels; the latency is the median of the first draw's
.tflite files, which took turns in one process. SQNR is the variance of the outputs over the mean square of
their error. Differences of 0.3 points of top-1 and 0.5 of agreement are chance on a thousand pictures.
"""
