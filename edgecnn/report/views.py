"""The tables of each command."""

from collections.abc import Mapping, Sequence
from typing import Any

from edgecnn import units
from edgecnn.evaluate import Metrics
from edgecnn.export.verify import Check
from edgecnn.pipeline.deploy import Deployment
from edgecnn.pipeline.shrink import Compression
from edgecnn.profile import LayerProfile, Profile
from edgecnn.report.tables import console, print_table
from edgecnn.run_folder import RunFolder

_COSTS = ("mult-adds", "parameters", "weights", "activations")


def print_profile(title: str, profile: Profile, *, layers: bool) -> None:
    """Print the totals, and the layers where asked for."""
    if layers:
        columns = ("layer", "kind", "output", *_COSTS, "receptive field")
        rows = [_layer_row(layer) for layer in profile.layers]
        print_table(columns, rows, title=title, numeric=columns[3:])
        console().print()
    rows = [
        ("mult-adds", units.count(profile.mult_adds), f"{profile.mult_adds:,}"),
        ("parameters", units.count(profile.parameters), f"{profile.parameters:,}"),
        ("weights", units.size(profile.weight_bytes), f"{profile.weight_bytes:,} B"),
        (
            "peak activations",
            units.size(profile.peak_activation_bytes),
            f"{profile.peak_activation_bytes:,} B",
        ),
        ("receptive field", _extent(profile.receptive_field), "px"),
    ]
    print_table(("", "", "exact"), rows, title="" if layers else title, numeric=("", "exact"))
    if profile.unknown_ops:
        console().print(f"not counted, their mult-adds are unknown: {', '.join(profile.unknown_ops)}")


def _layer_row(layer: LayerProfile) -> Sequence[str]:
    return (
        layer.name,
        layer.kind,
        "x".join(map(str, layer.shape)),
        "unknown" if layer.mult_adds is None else units.count(layer.mult_adds),
        units.count(layer.parameters),
        units.size(layer.weight_bytes),
        units.size(layer.activation_bytes),
        _extent(layer.receptive_field),
    )


def _extent(field: tuple[int, int] | None) -> str:
    if field is None:
        return "-"
    return str(field[0]) if field[0] == field[1] else f"{field[0]} to {field[1]}"


def print_deployment(deployment: Deployment) -> None:
    """Print what was exported, what it costs, and the error at each hop."""
    before, after = deployment.profile, deployment.folded
    rows = [
        ("model", deployment.network.title),
        ("weights", deployment.network.weights),
        ("target", deployment.target),
        ("mult-adds", units.count(before.mult_adds)),
        (
            "parameters",
            f"{units.count(before.parameters)} as defined, {units.count(after.parameters)} folded",
        ),
    ]
    rows += [(f"{item['path']}", units.size(item["bytes"])) for item in deployment.artifacts]
    rows += [
        (
            f"parity {hop.hop}",
            f"max abs error {units.error(hop.max_abs_error)} of {hop.response:.3g}, measured",
        )
        for hop in deployment.parity
    ]
    rows += [
        (
            f"latency {name}",
            f"{units.duration(median)} median, measured on this host, not on {deployment.target}",
        )
        for name, median in deployment.host_latency_s.items()
    ]
    print_table(("", ""), rows)
    for note in deployment.notes:
        console().print(f"note: {note}")
    console().print(f"bundle: {deployment.path}")


def print_checks(checks: Sequence[Check]) -> None:
    """Print what was verified."""
    print_table(
        ("", "what", "seen"), [("ok" if each.ok else "FAILED", each.what, each.detail) for each in checks]
    )


def metrics_rows(scored: Mapping[str, Metrics]) -> list[dict[str, Any]]:
    """Return what was measured of each model, and on how many images it differs from the first."""
    first = next(iter(scored.values()))
    return [
        {"model": name, "metrics": metrics.to_json(), "differs_on": first.differences(metrics)}
        for name, metrics in scored.items()
    ]


def print_metrics(data: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Print accuracy, one row for each model."""
    columns = ("model", "top-1", "top-5", "images", "other answer than the first")
    shown = [
        (
            row["model"],
            f"{row['metrics']['top1']:.2%}",
            f"{row['metrics']['top5']:.2%}",
            str(row["metrics"]["n"]),
            f"{row['differs_on']} images",
        )
        for row in rows
    ]
    width = len(columns) if len(rows) > 1 else len(columns) - 1
    title = f"accuracy on {data} (held-out), measured"
    print_table(columns[:width], [row[:width] for row in shown], title=title, numeric=columns[1:])


def print_run(run: RunFolder) -> None:
    """Print how a training ended."""
    metrics: Mapping[str, Any] = run.metrics
    rows = [
        ("model", str(run.spec)),
        ("data", run.data),
        ("epochs", str(len(run.history))),
        ("held-out top-1", f"{metrics['top1']:.2%} of {metrics['n']} images, measured"),
    ]
    print_table(("", ""), rows)
    console().print(f"run: {run.path}")


def print_compression(steps: Sequence[Compression], out: str) -> None:
    """Print what each pass did."""
    columns = ("pass", "places", "mult-adds", "parameters", "max abs error", "of", "what")
    rows = [
        (
            str(each.step.call),
            str(each.step.matched),
            units.count(each.profile.mult_adds),
            units.count(each.profile.parameters),
            units.error(each.parity.max_abs_error),
            f"{each.parity.response:.3g}",
            each.step.note,
        )
        for each in steps
    ]
    print_table(columns, rows, numeric=columns[1:6], title="agreement with the graph before, measured")
    console().print(f"graph: {out}")
