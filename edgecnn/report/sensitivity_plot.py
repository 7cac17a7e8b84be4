"""The sensitivity of layers as a picture: what rounding each alone leaves of the output."""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from edgecnn.atomic import write_file
from edgecnn.quantize.sensitivity import LayerSensitivity
from edgecnn.report.profile_plot import altair, check_plot, saving

_ROW_PX, _LEAST_PX, _WIDTH_PX = 12, 160, 420


def write_sensitivity_plot(title: str, records: Sequence[LayerSensitivity], path: Path) -> None:
    """Draw a bar for each layer in execution order into a `.svg`, `.png` or `.html` file, which is replaced.

    Raises `EdgeCnnError` for another kind of file, or where the extra `report` is not installed.
    """
    check_plot(path)
    form = path.suffix.lower().lstrip(".")
    out: Any = io.BytesIO() if form == "png" else io.StringIO()
    _chart(title, records).save(out, format=form, **saving(form))
    picture = out.getvalue()
    write_file(path, picture if form == "png" else picture.encode(), force=True)


def _chart(title: str, records: Sequence[LayerSensitivity]) -> Any:
    alt = altair()
    rows = [vars(record) for record in records]
    names = [record.layer for record in records]
    bars = alt.Chart(alt.Data(values=rows)).mark_bar().encode(
        y=alt.Y("layer:N", sort=names, title=None, axis=alt.Axis(labelFontSize=9, ticks=False)),
        x=alt.X("sqnr_db:Q", title="SQNR at the output, dB, measured", axis=alt.Axis(orient="top")),
        color=alt.Color("operator:N", title=None),
        tooltip=["layer:N", "operator:N", "sqnr_db:Q", "agreement:Q", "parameters:Q"],
    )  # fmt: skip
    subtitle = "one layer alone rounded to int8; the shorter, the more it loses"
    heading = alt.Title(title, subtitle=subtitle, anchor="start")
    return bars.properties(title=heading, width=_WIDTH_PX, height=max(_LEAST_PX, _ROW_PX * len(rows)))
