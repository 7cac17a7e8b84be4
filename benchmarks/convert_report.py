"""The README's section about `convert.py`."""

from collections.abc import Mapping
from typing import Any

from report import Row, latency_ratio, line, median, ratio

from edgecnn import units

_REFERENCE = "edgecnn"  # by whom the others are divided
_COLUMNS = (
    "converter", "wall time", "/ edgecnn", "CPU time", "peak memory", "/ edgecnn",
    "file", "operators", "TRANSPOSE", "latency", "/ edgecnn", "max error",
)  # fmt: skip
_NONE = "-"


def section(result: Mapping[str, Any]) -> str:
    """Return the Markdown of one result of `convert.py`."""
    host, settings = result["machine"], result["settings"]
    lines = [
        "## PyTorch to .tflite, float32 (`convert.py`)",
        "",
        f"Measured on {result['date']} on {host['cpu']}, {host['cores']} cores,"
        f" {units.size(host['memory_bytes'])}, {host['system']}, Python {host['python']}; load average before"
        f" {host['load_before']:.1f}, after {host['load_after']:.1f}. Medians of {settings['runs']}"
        f" interleaved conversions and {settings['latency_rounds']} interleaved inferences.",
        "",
    ]
    for network in result["networks"]:
        lines += [*_table(network), ""]
    lines += ["Expected of edgecnn, and what this run shows:", "", *_expectations(result), ""]
    lines += ["Calls and versions:", "", *(_version(each) for each in result["converters"]), ""]
    return "\n".join([*lines, _METHOD])


def _table(network: Mapping[str, Any]) -> list[str]:
    rows = network["rows"]
    reference: Row = next((row for row in rows if row["converter"] == _REFERENCE), {})
    return [
        f"### {network['name']}",
        "",
        f"`{network['spec']}`, random weights; its outputs span {network['output_range']:.3g}.",
        "",
        line(_COLUMNS),
        line(["---", *["---:"] * (len(_COLUMNS) - 1)]),
        *(line(_cells(row, reference)) for row in rows),
    ]


def _cells(row: Row, reference: Row) -> list[str]:
    if "failed" in row:
        reason = row["failed"].replace("|", "\\|")
        return [row["converter"], f"failed: {reason}", *[_NONE] * (len(_COLUMNS) - 2)]
    measured = [
        row["converter"],
        units.duration(median(row, "wall_s")),
        _times(ratio(row, reference, "wall_s")),
        units.duration(median(row, "cpu_s")),
        units.size(median(row, "peak_bytes")),
        _times(ratio(row, reference, "peak_bytes")),
    ]
    if "operators" not in row:
        return measured + [_NONE] * (len(_COLUMNS) - len(measured))
    return [
        *measured,
        units.size(row["bytes"]),
        str(sum(row["operators"].values())),
        str(transposes(row)),
        units.duration(median(row, "latency_s")),
        _times(latency_ratio(row, reference), digits=3),
        units.error(row["max_abs_error"]),
    ]


def _times(value: float | None, digits: int = 2) -> str:
    return _NONE if value is None else f"{value:.{digits}f}"


def transposes(row: Row) -> int:
    """Return how often a file transposes an activation."""
    return int(row["operators"].get("TRANSPOSE", 0))


def _expectations(result: Mapping[str, Any]) -> list[str]:
    """Return a line for each expectation and network; a peer that failed gives no line."""
    lines = []
    for network in result["networks"]:
        rows = {row["converter"]: row for row in network["rows"] if "failed" not in row}
        own, peer = rows.get(_REFERENCE, {}), rows.get("litert-torch", {})
        faster, slower = ratio(peer, own, "wall_s"), latency_ratio(own, peer)
        found = []
        if faster is not None:
            found.append(f"{faster:.1f} times faster than litert-torch (at least 3: {_word(faster >= 3)})")
        less = ratio(peer, own, "cpu_s")
        if less is not None:
            found.append(f"{less:.1f} times less CPU time")
        if slower is not None:
            found.append(f"latency {slower:.3f} of litert-torch's (at most 1.02: {_word(slower <= 1.02)})")
        if own:
            found.append(f"{transposes(own)} TRANSPOSE (0: {_word(transposes(own) == 0)})")
        if own and own.get("sha256") == rows.get("edgecnn export", {}).get("sha256"):
            found.append("`edgecnn export` gives the same bytes")
        lines.append(f"- {network['name']}: {', '.join(found) or 'edgecnn failed'}")
    return lines


def _word(holds: bool) -> str:
    return "holds" if holds else "does not hold"


def _version(converter: Mapping[str, Any]) -> str:
    found = ", ".join(f"{name} {version}" for name, version in converter["versions"].items())
    return f"- {converter['name']}: {converter['call']} ({found or 'not installed'})"


_METHOD = """\
How: every conversion is a whole process, from the start of Python to its end, imports included, and reads
the same weights file; converters take turns, another one beginning each round, after one conversion by each
that is not counted. Other work on the machine lengthens wall times, so CPU time (user and system) stands
beside them. Peak memory is the resident memory of the largest process of the
conversion. The first row is edgecnn as a library; `edgecnn export` does the same and then compares outputs at
every hop, writes the ONNX graph, the sample, hashes and scripts, and times the result. What onnx2tf needs
before it can begin is the row `torch.onnx.export`; add the two. onnx2tf looks at example pictures while it
converts and would fetch them from the network: it is given a file of random ones.

Files are loaded in one process by the same LiteRT (that of edgecnn's environment), on one thread, with its
default kernels, and run in turns in an order drawn anew each round. The ratio of latencies is the median
over rounds of a file's time over edgecnn's in the same round. Where `edgecnn export` gives the same bytes,
its ratio shows what the machine's noise does to the others. Max error is the largest absolute difference to
the PyTorch module's outputs on four pictures drawn from a seed.
"""
