"""The section of README.md about `calibrate.py`."""

import statistics
from collections.abc import Mapping
from typing import Any

from edgecnn import units

_COLUMNS = ("observer", "pictures", "edgecnn", "ONNX Runtime", "/ edgecnn", "edgecnn", "ONNX Runtime")


def section(result: Mapping[str, Any]) -> str:
    """Return the Markdown of one result of `calibrate.py`."""
    host, settings = result["machine"], result["settings"]
    lines = [
        "## Calibration (`calibrate.py`)",
        "",
        f"Measured on {result['date']} on {host['cpu']}, {host['cores']} cores,"
        f" {units.size(host['memory_bytes'])}, {host['system']}, Python {host['python']}; load average before"
        f" {host['load_before']:.1f}, after {host['load_after']:.1f}. `{settings['network']}`,"
        f" random pictures; medians of {settings['runs']} processes for the fewer pictures, one process for"
        " the more. Time is that of the calibration alone, memory the peak of the process. ONNX Runtime"
        f" {result['versions'].get('onnxruntime', '')} is at the defaults of `quantize_static`, but for 2048"
        " bins with entropy.",
        "",
        f"| {' | '.join(_COLUMNS)} |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    return "\n".join([*lines, *(_row(row) for row in result["rows"]), ""])


def _row(row: Mapping[str, Any]) -> str:
    ours, theirs = (statistics.median(row[tool]["seconds"]) for tool in ("edgecnn", "onnxruntime"))
    peaks = [units.size(max(row[tool]["peak_bytes"])) for tool in ("edgecnn", "onnxruntime")]
    cells = [row["observer"], str(row["pictures"]), units.duration(ours), units.duration(theirs)]
    return f"| {' | '.join([*cells, f'{theirs / ours:.2f}', *peaks])} |"
