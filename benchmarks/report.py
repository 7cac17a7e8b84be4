"""README.md from the JSON results; `python benchmarks/report.py` writes it anew."""

import json
import re
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
README = FOLDER / "README.md"
CONVERSION = FOLDER / "results" / "convert.json"
PROFILERS = FOLDER / "results" / "profilers.json"
CALIBRATION = FOLDER / "results" / "calibrate.json"
QUANTIZERS = FOLDER / "results" / "quantize.json"
FASHION_MNIST = FOLDER / "results" / "fashion_mnist.json"
TRAINING = FOLDER / "results" / "training.json"
COMPRESSION = FOLDER / "results" / "compress.json"
PRUNING = FOLDER / "results" / "prune.json"
LATENCY = FOLDER / "results" / "latency.json"
LATENCY_GRID = FOLDER / "results" / "latency_grid.json"
SWEPT = FOLDER / "results" / "sweep.json"
UNET_SHAPES = FOLDER / "results" / "unet_shapes.json"

Row = Mapping[str, Any]


def to_text(result: Mapping[str, Any]) -> str:
    """Return a result as indented JSON, lists of numbers on one line each."""
    text = json.dumps(_rounded(result), indent=2, allow_nan=False, ensure_ascii=False)
    return re.sub(r"\[[\s\d.,e+-]+\]", lambda found: " ".join(found[0].split()), text) + "\n"


def _rounded(value: Any) -> Any:
    """Return times and errors with the digits that mean something."""
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_rounded(item) for item in value]
    return float(f"{value:.5g}") if isinstance(value, float) else value


def readme() -> str:
    """Return the text of README.md, made from the published results."""
    import calibrate_report  # each is made of this module's parts
    import compress_report
    import convert_report
    import fashion_mnist_report
    import latency_report
    import profilers_report
    import prune_report
    import quantizers_report
    import sweep_report
    import training_report
    import unet_shapes_report

    sections = {
        CONVERSION: convert_report.section,
        PROFILERS: profilers_report.section,
        CALIBRATION: calibrate_report.section,
        QUANTIZERS: quantizers_report.section,
        FASHION_MNIST: fashion_mnist_report.section,
        SWEPT: sweep_report.section,
        COMPRESSION: compress_report.section,
        PRUNING: prune_report.section,
        UNET_SHAPES: unet_shapes_report.section,
        TRAINING: training_report.section,
        LATENCY: latency_report.tool_section,
        LATENCY_GRID: latency_report.grid_section,
    }
    parts = [write(json.loads(file.read_text())) for file, write in sections.items() if file.is_file()]
    return "\n".join([_HEAD, *parts])


def line(cells: Sequence[str]) -> str:
    """Return one line of a table."""
    return f"| {' | '.join(cells)} |"


def median(row: Row, key: str) -> float:
    """Return the median of a row's measurements."""
    return float(statistics.median(row[key]))


def ratio(row: Row, reference: Row, key: str) -> float | None:
    """Return the row's median over the reference's; None where either failed."""
    return median(row, key) / median(reference, key) if row.get(key) and reference.get(key) else None


def latency_ratio(row: Row, reference: Row) -> float | None:
    """Return the median, over rounds, of a file's time over the reference's time in the same round.

    Whatever else slows the machine down slows both in a round, so this is steadier than a ratio of medians.
    """
    pairs = [row.get("latency_s"), reference.get("latency_s")]
    return statistics.median(a / b for a, b in zip(*pairs, strict=True)) if all(pairs) else None


_HEAD = """\
# Benchmarks

Written by `report.py` from the files in `results/`; change those, or this text there. Every figure below was
measured on the machine named beside it. `make bench` measures anew.
"""

if __name__ == "__main__":
    README.write_text(readme())
