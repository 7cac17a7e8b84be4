"""A predicted latency, and a device's fit, as tables for people."""

from collections.abc import Sequence

from edgecnn import units
from edgecnn.devices.fit import Fit
from edgecnn.devices.prediction import Prediction
from edgecnn.report.tables import console, print_line, print_table

_LAYERS = ("layer", "kind", "latency, predicted", "share", "bound by")
_FITS = ("precision", "threads", "networks", "median error, held out", "9 of 10 within", "runtime")
_MOST_OUTSIDE = 5


def print_prediction(found: Prediction, *, layers: bool = False) -> None:
    """Print the total with its band and method; before it every layer, where asked for."""
    console().print()
    if layers:
        total = found.latency_s or 1.0
        rows = [
            (
                each.name,
                each.kind,
                units.duration(each.latency_s),
                f"{each.latency_s / total:.1%}",
                each.bound_by,
            )
            for each in found.layers
        ]
        print_table(_LAYERS, rows, title="", numeric=_LAYERS[2:4], optional=_LAYERS[4:])
        console().print()
    threads = f", {units.several(found.threads, 'thread')}" if found.threads else ""
    where = f"{found.device}, {found.precision}{threads}"
    total_said = units.duration(found.latency_s)
    if found.band_s:
        low, high = map(units.duration, found.band_s)
        said = f"{total_said}, 9 of 10 between {low} and {high}"
    else:
        said = f"at least {total_said}"
    print_line(f"latency on {where}, predicted: {said}")
    print_line(f"predicted by: {found.method}")
    for what in found.outside[:_MOST_OUTSIDE]:
        print_line(f"outside what was fitted: {what}")
    if len(found.outside) > _MOST_OUTSIDE:
        print_line(f"outside what was fitted: {len(found.outside) - _MOST_OUTSIDE} more")


def print_fits(found: Sequence[Fit]) -> None:
    """Print one line a fit: how well it predicted stacks that it was not fitted on."""
    rows = [
        (
            each.precision,
            "GPU" if each.threads is None else str(each.threads),
            str(each.networks),
            f"{each.median_error:.1%}",
            f"x{each.band[0]:.2f} to x{each.band[1]:.2f}",
            each.runs_on,
        )
        for each in found
    ]
    print_table(_FITS, rows, title=f"fitted on {found[0].device}, measured", numeric=_FITS[1:5])
