"""Measurements as a table."""

from collections.abc import Sequence
from typing import Any

from edgecnn import units
from edgecnn.devices.measurement import Measurement
from edgecnn.report.tables import print_line, print_table

_SLOWEST = 8  # layers that are printed; --json has all
_COLUMNS = (
    *(
        "bundle",
        "precision",
        "threads",
        "mult-adds",
        "median",
        "p90",
        "p99",
        "min",
        "IQR",
        "init",
        "peak memory",
    ),
)


def print_measurements(found: Sequence[Measurement]) -> None:
    """Print one line a measurement, what makes one doubtful, and where they are from."""
    first = found[0]
    title = f"latency of one inference, measured on {first.device}: {_where(first)}"
    print_table(
        _COLUMNS,
        [_row(each) for each in found],
        title=title,
        numeric=_COLUMNS[2:],
        optional=("p99", "min", "init", "peak memory"),
    )
    for each in found:
        for warning in each.warnings:
            print_line(f"doubtful: {each.name}: {warning}")
    for each in found:
        _print_layers(each)
    print_line(
        f"{units.several(len(first.times_s), 'inference')} each, after a warm-up; a time is"
        f" {_words(first.includes)}"
    )
    print_line(
        "outputs verified there first; LiteRT's Python interface gives no times by layer"
    ) if _is_litert(first) else print_line("outputs verified there first")


def _print_layers(measured: Measurement) -> None:
    """Print the slowest layers, where the runtime told of any."""
    if not measured.layers:
        return
    total_s = sum(layer.median_s for layer in measured.layers) or 1.0
    slowest = sorted(measured.layers, key=lambda layer: -layer.median_s)[:_SLOWEST]
    rows = [(each.layer, units.duration(each.median_s), f"{each.median_s / total_s:.0%}") for each in slowest]
    title = (
        f"{measured.name}: slowest of {units.several(len(measured.layers), 'layer')}, measured by TensorRT's"
        " profiler in inferences that it slows"
    )
    print_table(("layer", "median", "of all layers"), rows, title=title, numeric=("median", "of all layers"))


def _is_litert(measured: Measurement) -> bool:
    return not str(measured.environment.fixed.get("runtime", "")).startswith("tensorrt")


def _where(measured: Measurement) -> str:
    fixed = measured.environment.fixed
    board = fixed.get("board") or fixed.get("cpu") or fixed.get("machine")
    governor = fixed.get("governor")
    said = [board, fixed.get("runtime"), f"governor {_words(governor)}" if governor else None]
    return ", ".join(_words(each) for each in said if each)


def _words(told: Any) -> str:
    """Return in one line what a device said, one thing or several."""
    several = told if isinstance(told, list) else [told]
    return " ".join(" ".join(str(each).split()) for each in several)


def _row(measured: Measurement) -> tuple[str, ...]:
    times = (
        *(measured.median_s, measured.p90_s, measured.p99_s, measured.min_s, measured.iqr_s),
        sorted(measured.init_s)[len(measured.init_s) // 2],
    )
    return (
        measured.name,
        measured.precision,
        str(measured.threads or ""),
        "" if measured.mult_adds is None else units.count(measured.mult_adds),
        *map(units.duration, times),
        units.size(measured.environment.peak_rss_bytes),
    )
