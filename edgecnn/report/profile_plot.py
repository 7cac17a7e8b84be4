"""A profile as a picture: mult-adds, parameters and activations in memory, layer by layer."""

import io
import json
from pathlib import Path
from typing import Any

from edgecnn.atomic import write_file
from edgecnn.errors import EdgeCnnError
from edgecnn.profile import Profile, shares

FORMATS = ("svg", "png", "html")
MOST_LAYERS = 400  # a deeper network is drawn block by block
_ROW_PX, _LEAST_PX, _PANEL_PX = 12, 160, 260
_MIB = 2**20
_PLAIN = "#4c78a8"


def check_plot(path: Path) -> None:
    """Raise `EdgeCnnError` unless a plot can be written to a file of this name."""
    if path.suffix.lower().lstrip(".") not in FORMATS:
        names = " or ".join(f"{path.stem or 'plot'}.{name}" for name in FORMATS)
        raise EdgeCnnError(f"cannot draw {path.name!r}; name the file {names}")
    altair()


def write_plot(title: str, profile: Profile, path: Path, *, by: str | None = None) -> None:
    """Draw a profile into a `.svg`, `.png` or `.html` file, which is replaced where it is there.

    A bar for each layer in execution order; or for each kind or block as `by` says, and for each block where
    there are more than `MOST_LAYERS` layers. Raises `EdgeCnnError` where the extra `report` is not installed.
    """
    check_plot(path)
    by = by or ("block" if len(profile.layers) > MOST_LAYERS else "")
    chart = _chart(title, _share_rows(profile, by) if by else _layer_rows(profile), by or "layer")
    form = path.suffix.lower().lstrip(".")
    out: Any = io.BytesIO() if form == "png" else io.StringIO()
    chart.save(out, format=form, **saving(form))
    picture = out.getvalue()
    write_file(path, picture if form == "png" else picture.encode(), force=True)


_SAVING: dict[str, dict[str, Any]] = {"svg": {}, "png": {"scale_factor": 2}, "html": {"inline": True}}


def saving(form: str) -> dict[str, Any]:
    """Return how a chart is saved in a form of `FORMATS`."""
    return _SAVING[form]


def altair() -> Any:
    """Import what draws; raise `EdgeCnnError` where the extra `report` is not installed."""
    try:
        import altair as alt
        import vl_convert  # noqa: F401  it renders what altair describes
    except ImportError as error:
        raise EdgeCnnError(f'plots need {error.name}; install it: pip install "edgecnn[report]"') from error
    return alt


def _layer_rows(profile: Profile) -> list[dict[str, Any]]:
    return [
        {
            "row": index,
            "name": layer.name,
            "operator": layer.kind.split(" ")[0],
            "kind": layer.kind,
            "output": "x".join(map(str, layer.shape)),
            "mult_adds": layer.mult_adds,
            "parameters": layer.parameters,
            "held_mib": layer.alive_bytes / _MIB,
        }
        for index, layer in enumerate(profile.layers)
    ]


def _share_rows(profile: Profile, by: str) -> list[dict[str, Any]]:
    return [
        {
            "row": index,
            "name": share.name,
            "operator": f"{share.layers} layers",
            "mult_adds": share.mult_adds,
            "parameters": share.parameters,
            "held_mib": share.alive_bytes / _MIB,
        }
        for index, share in enumerate(shares(profile, by))
    ]


_PANELS = (
    ("mult_adds", "mult-adds", "~s"),
    ("parameters", "parameters", "~s"),
    ("held_mib", "activations held while it runs (MiB)", "~g"),
)

_TOOLTIP = (
    ("name", "N", "name"),
    ("kind", "N", "kind"),
    ("output", "N", "output"),
    ("mult_adds", "Q", "mult-adds"),
    ("parameters", "Q", "parameters"),
    ("held_mib", "Q", "activations held (MiB)"),
)


def _chart(title: str, rows: list[dict[str, Any]], of: str) -> Any:
    alt = altair()
    names = [row["name"] for row in rows]
    labels = alt.Axis(
        labelExpr=f"{json.dumps(names, ensure_ascii=False)}[datum.value]",
        labelLimit=240,
        labelFontSize=9,
        labelOverlap=False,
        ticks=False,
        domain=False,
        title=None,
    )
    panels = [
        _panel(alt, rows, panel, None if place else labels, coloured=of == "layer")
        for place, panel in enumerate(_PANELS)
    ]
    joined = alt.hconcat(*panels, data=alt.Data(values=rows), spacing=16)
    heading = alt.Title(title, subtitle=f"by {of}", anchor="start")
    return joined.properties(title=heading).resolve_scale(y="shared", color="shared")


def _panel(
    alt: Any, rows: list[dict[str, Any]], panel: tuple[str, str, str], labels: Any, *, coloured: bool
) -> Any:
    field, heading, form = panel
    tooltip = [alt.Tooltip(f"{key}:{kind}", title=said) for key, kind, said in _TOOLTIP if key in rows[0]]
    bars = alt.Chart().mark_bar().encode(
        y=alt.Y("row:O", axis=labels),
        x=alt.X(f"{field}:Q", axis=alt.Axis(format=form, title=heading, orient="top", tickCount=5)),
        color=alt.Color("operator:N", title=None) if coloured else alt.value(_PLAIN),
        tooltip=tooltip,
    )  # fmt: skip
    return bars.properties(width=_PANEL_PX, height=max(_LEAST_PX, _ROW_PX * len(rows)))
