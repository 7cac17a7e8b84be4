"""The tables of each command."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from edgecnn import units
from edgecnn.export.parity import Parity
from edgecnn.export.verify import Check
from edgecnn.pipeline.deploy import Deployment
from edgecnn.profile.footprint import RUNTIME_BYTES
from edgecnn.report.quantization_views import print_ladder
from edgecnn.report.tables import print_line, print_table
from edgecnn.run_folder import RunFolder

_SAME = "same answer"


def print_deployment(deployment: Deployment) -> None:
    """Print what was exported, what it costs, and the error at each hop."""
    before, after = deployment.profile, deployment.folded
    facts = [
        ("model", deployment.network.title),
        ("weights", deployment.network.weights),
        ("target", deployment.target),
        ("mult-adds", units.count(before.mult_adds)),
        (
            "parameters",
            f"{units.count(before.parameters)} as defined, {units.count(after.parameters)} folded",
        ),
    ]
    print_table(("", ""), [*facts, *_memory(deployment)])
    print_line("")
    if deployment.ladder:
        print_ladder(deployment.ladder)
        print_line("")
    _print_parity(deployment)
    print_line("")
    _print_artifacts(deployment)
    print_line("")
    for note in deployment.notes:
        print_line(f"note: {note}")
    print_line(f"bundle: {deployment.path}")


def _memory(deployment: Deployment) -> list[tuple[str, str]]:
    """Say what a microcontroller has to hold."""
    needed = deployment.footprint
    if needed is None:
        return []
    plain, scratch, model, runtime = map(
        units.size, (needed.arena_bytes, needed.scratch_bytes, needed.model_bytes, RUNTIME_BYTES)
    )
    return [
        ("RAM", f"arena {plain} {needed.arena_kind}, and {scratch} for CMSIS-NN predicted"),
        ("flash", f"model {model} {needed.model_kind}, and {runtime} for TFLite Micro published"),
    ]


def _print_parity(deployment: Deployment) -> None:
    columns = ("outputs compared", "max abs error", "allowed", _SAME, "outputs move by")
    rows = [
        (
            hop.hop,
            units.error(hop.max_abs_error),
            units.error(hop.tolerance) if math.isfinite(hop.tolerance) else "lossy",
            _agreement(hop),
            f"{hop.response:.3g}",
        )
        for hop in deployment.parity
    ]
    shown, kept = _without_empty(columns, rows, columns.index(_SAME))
    title = "parity of every hop, measured on this host"
    print_table(shown, kept, title=title, numeric=columns[1:], optional=columns[-1:])


def _without_empty(
    columns: Sequence[str], rows: Sequence[Sequence[str]], index: int
) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Leave out the column at `index` where no row has anything there."""
    width = slice(index, index + (0 if any(row[index] for row in rows) else 1))
    return _cut(columns, width), [_cut(row, width) for row in rows]


def _cut(cells: Sequence[str], width: slice) -> tuple[str, ...]:
    return (*cells[: width.start], *cells[width.stop :])


def _agreement(hop: Parity) -> str:
    return "" if hop.agreement is None else f"{hop.agreement:.2%} of {hop.agreement_n}"


def _print_artifacts(deployment: Deployment) -> None:
    columns = ("artifact", "size", "median latency")
    rows = [
        (
            item["path"],
            units.size(item["bytes"]),
            units.duration(deployment.host_latency_s[item["path"]]),
        )
        for item in deployment.artifacts
    ]
    title = f"artifacts; latency of one image measured on this host, not on {deployment.target}"
    print_table(columns, rows, title=title, numeric=columns[1:])


def print_checks(checks: Sequence[Check]) -> None:
    """Print what was verified."""
    print_table(
        ("", "what", "seen"), [("ok" if each.ok else "FAILED", each.what, each.detail) for each in checks]
    )


def print_run(run: RunFolder) -> None:
    """Print how a training ended."""
    metrics: Mapping[str, Any] = run.metrics
    key, name = {"classification": ("top1", "top-1"), "segmentation": ("dice", "Dice")}[run.task]
    rows = [
        ("model", str(run.spec)),
        ("data", run.data),
        ("epochs", str(len(run.history))),
        (f"held-out {name}", f"{metrics[key]:.2%} of {metrics['n']} images, measured"),
    ]
    print_table(("", ""), rows)
    if run.skipped:
        print_line(f"note: {len(run.skipped)} files could not be read, the first is {run.skipped[0]}")
    print_line(f"run: {run.path}")
