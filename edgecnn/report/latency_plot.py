"""Latency against mult-adds, as a picture."""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from edgecnn.atomic import write_file
from edgecnn.devices.measurement import Measurement
from edgecnn.errors import EdgeCnnError
from edgecnn.report.profile_plot import altair, check_plot, saving

__all__ = ["check_plot", "write_latency_plot"]

_SIDE_PX = 420


def write_latency_plot(found: Sequence[Measurement], path: Path) -> None:
    """Draw medians, with the middle half of the times, against mult-adds into a .svg, .png or .html file."""
    check_plot(path)
    rows = [_row(each) for each in found if each.mult_adds]
    if not rows:
        raise EdgeCnnError("none of these has known mult-adds to draw its latency against")
    form = path.suffix.lower().lstrip(".")
    out: Any = io.BytesIO() if form == "png" else io.StringIO()
    _chart(rows, found[0].device).save(out, format=form, **saving(form))
    picture = out.getvalue()
    write_file(path, picture if form == "png" else picture.encode(), force=True)


def _row(measured: Measurement) -> dict[str, Any]:
    from edgecnn.devices.measurement import quantile

    threads = f", {measured.threads} threads" if measured.threads and measured.threads > 1 else ""
    return {
        "name": measured.name,
        "mult_adds": measured.mult_adds,
        "median_ms": measured.median_s * 1e3,
        "p25_ms": quantile(measured.times_s, 0.25) * 1e3,
        "p75_ms": quantile(measured.times_s, 0.75) * 1e3,
        "series": measured.precision + threads,
    }


def _chart(rows: list[dict[str, Any]], device: str) -> Any:
    alt = altair()
    x = alt.X("mult_adds:Q", scale=alt.Scale(type="log"), axis=alt.Axis(title="mult-adds", format="~s"))
    y = alt.Scale(type="log")
    base = alt.Chart(alt.Data(values=rows)).encode(x=x, color=alt.Color("series:N", title=None))
    title = "latency of one inference (ms), measured"
    points = base.mark_point(filled=True, size=45).encode(
        y=alt.Y("median_ms:Q", scale=y, axis=alt.Axis(title=title)),
        tooltip=[alt.Tooltip("name:N"), alt.Tooltip("mult_adds:Q"), alt.Tooltip("median_ms:Q")],
    )
    spread = base.mark_rule().encode(y=alt.Y("p25_ms:Q", scale=y), y2="p75_ms:Q")
    heading = alt.Title(
        f"Latency on {device}", subtitle="lines: the middle half of the times", anchor="start"
    )
    return alt.layer(spread, points).properties(width=_SIDE_PX, height=_SIDE_PX, title=heading)
