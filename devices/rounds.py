"""The rounds of a measurement, joined to one; refused where what matters changed between them."""

from collections.abc import Sequence
from dataclasses import fields

from edgecnn.devices.measurement import Environment, LayerTime, Measurement
from edgecnn.errors import EdgeCnnError


def merge(parts: Sequence[Measurement]) -> Measurement:
    """Join the rounds of one measurement; raise `EdgeCnnError` where what matters differs between them."""
    first, last = parts[0], parts[-1]
    for each in parts[1:]:
        _same(first, each)
    joined = {
        key: tuple(value for part in parts for value in getattr(part, key))
        for key in ("times_s", "warmup_s", "init_s", "first_s")
    }
    environment = Environment(
        fixed=first.environment.fixed,
        before=first.environment.before,
        after=last.environment.after,
        peak_rss_bytes=max(part.environment.peak_rss_bytes for part in parts),
    )
    rest = {item.name: getattr(first, item.name) for item in fields(Measurement)}
    rest |= {"max_abs_error": max(part.max_abs_error for part in parts), "environment": environment}
    rest["layers"] = _merged_layers(parts)
    rest["clock_jumped_s"] = max((part.clock_jumped_s for part in parts), key=abs)
    return Measurement(**{**rest, **joined, "steady": all(part.steady for part in parts)})


def _merged_layers(parts: Sequence[Measurement]) -> tuple[LayerTime, ...]:
    names = [[layer.layer for layer in part.layers] for part in parts]
    if any(each != names[0] for each in names):
        raise EdgeCnnError(f"{parts[0].name}: its rounds tell of different layers; run it again")
    return tuple(
        LayerTime(layer=same[0].layer, medians_s=tuple(value for each in same for value in each.medians_s))
        for same in zip(*(part.layers for part in parts), strict=True)
    )


def _same(one: Measurement, other: Measurement) -> None:
    for key in ("name", "artifact", "precision", "bundle_sha256", "device", "includes"):
        if getattr(one, key) != getattr(other, key):
            raise EdgeCnnError(
                f"{getattr(one, key)} and {getattr(other, key)} are not one measurement's {key}"
            )
    before, after = one.environment.fixed, other.environment.fixed
    for key in sorted({*before, *after}):
        if before.get(key) != after.get(key):
            why = (
                "it was restarted" if key == "boot" else f"{key} was {before.get(key)}, then {after.get(key)}"
            )
            raise EdgeCnnError(
                f"{one.device} changed while {one.name} was measured: {why}; nothing was recorded, run it"
                " again"
            )
