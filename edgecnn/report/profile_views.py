"""A profile as tables for people and as CSV: totals, layers, and shares by kind or block."""

import csv
import io
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from edgecnn import units
from edgecnn.profile import LayerProfile, Profile, Share, shares
from edgecnn.report.tables import console, print_table

_LAYERS = (
    "layer", "kind", "output", "mult-adds", "parameters", "weights", "activations", "held", "receptive field",
    "stride", "mult-adds/B",
)  # fmt: skip
_SHARES = ("layers", "mult-adds", "", "parameters", "", "weights", "activations", "held")


def print_profile(title: str, profile: Profile, *, layers: bool = False, by: str | None = None) -> None:
    """Print the totals; before them the layers where asked for, and the shares `by` kind or block."""
    if layers:
        rows = [_layer_row(layer) for layer in profile.layers]
        print_table(_LAYERS, rows, title=title, numeric=_LAYERS[3:], optional=_LAYERS[7:])
        console().print()
    if by:
        columns = (by, *_SHARES)
        rows = [_share_row(share) for share in shares(profile, by)]
        print_table(columns, rows, title="" if layers else title, numeric=columns[1:])
        console().print()
    heading = "" if layers or by else title
    print_table(("", "", "exact"), _totals(profile), title=heading, numeric=("", "exact"))
    if profile.unknown_ops:
        console().print(f"not counted, their mult-adds are unknown: {', '.join(profile.unknown_ops)}")


def _totals(profile: Profile) -> list[tuple[str, str, str]]:
    peak, arena, intensity = profile.peak_activation_bytes, profile.arena_bytes, profile.arithmetic_intensity
    return [
        ("mult-adds", units.count(profile.mult_adds), f"{profile.mult_adds:,}"),
        ("parameters", units.count(profile.parameters), f"{profile.parameters:,}"),
        ("weights", units.size(profile.weight_bytes), f"{profile.weight_bytes:,} B"),
        ("peak activations", units.size(peak), f"{peak:,} B"),
        *([] if arena is None else [("planned arena", units.size(arena), f"{arena:,} B")]),
        ("arithmetic intensity", "unknown" if intensity is None else f"{intensity:.2f}", "mult-adds/B"),
        ("receptive field", _extent(profile.receptive_field), "px"),
        ("stride", _stride(profile.stride), "px"),
    ]


def _layer_row(layer: LayerProfile) -> Sequence[str]:
    intensity = layer.arithmetic_intensity
    return (
        layer.name,
        layer.kind,
        "x".join(map(str, layer.shape)),
        _count(layer.mult_adds),
        units.count(layer.parameters),
        units.size(layer.weight_bytes),
        units.size(layer.activation_bytes),
        units.size(layer.alive_bytes),
        _extent(layer.receptive_field),
        _stride(layer.stride),
        "unknown" if intensity is None else f"{intensity:.2f}",
    )


def _share_row(share: Share) -> Sequence[str]:
    return (
        share.name,
        str(share.layers),
        _count(share.mult_adds),
        _percent(share.mult_adds_share),
        units.count(share.parameters),
        _percent(share.parameters_share),
        units.size(share.weight_bytes),
        units.size(share.activation_bytes),
        units.size(share.alive_bytes),
    )


def _count(value: int | None) -> str:
    return "unknown" if value is None else units.count(value)


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{value:.2%}"


def _extent(field: tuple[int, int] | None) -> str:
    if field is None:
        return "-"
    return str(field[0]) if field[0] == field[1] else f"{field[0]} to {field[1]}"


def _stride(value: float | None) -> str:
    return "-" if value is None else f"{value:g}"


def to_json(title: str, profile: Profile, by: str | None = None) -> dict[str, Any]:
    """Return plain JSON data; `groups` are the shares where they are asked for."""
    groups = {"groups": [share.to_json() for share in shares(profile, by)]} if by else {}
    return {"model": title, **profile.to_json(), **groups}


def to_csv(profile: Profile, by: str | None = None) -> str:
    """Return a line for each layer, or for each share; what is unknown is empty."""
    rows = [share.to_json() for share in shares(profile, by)] if by else list(map(_flat, profile.layers))
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def _flat(layer: LayerProfile) -> dict[str, Any]:
    row = asdict(layer) | {"arithmetic_intensity": layer.arithmetic_intensity}
    least, greatest = row.pop("receptive_field") or (None, None)
    return row | {
        "shape": "x".join(map(str, layer.shape)),
        "receptive_field_least": least,
        "receptive_field_greatest": greatest,
    }
