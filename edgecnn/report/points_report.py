"""A report in the form that a file's name says: a page, a picture, or a table."""

from collections.abc import Callable, Mapping, Sequence
from html import escape
from pathlib import Path

from edgecnn.errors import EdgeCnnError, UnknownNameError
from edgecnn.report import scatter
from edgecnn.report.chart_labels import Frame
from edgecnn.report.cost_axes import axes
from edgecnn.report.points_views import by_data, to_csv, to_markdown
from edgecnn.report.published_points import PublishedPoint, published_points
from edgecnn.sweeps.point import Point

_SUFFIXES = {".html": "html", ".svg": "svg", ".png": "png", ".csv": "csv", ".md": "markdown"}
_PICTURE = Frame(width=760, height=480, top=74)


def form_of(path: Path | None, form: str | None) -> str:
    """Return the form that is asked for; raise `EdgeCnnError` where a name says none that there is."""
    if form is not None:
        if form not in FORMS:
            raise UnknownNameError("form of a report", form, FORMS)
        return form
    if path is None:
        return "html"
    if path.suffix.lower() not in _SUFFIXES:
        raise EdgeCnnError(
            f"cannot write a report {path.name!r}; name it report{' or report'.join(_SUFFIXES)}"
        )
    return _SUFFIXES[path.suffix.lower()]


def to_report(points: Sequence[Point], form: str, *, published: bool = False) -> bytes:
    """Return the report; a picture shows accuracy against mult-adds, of points of one data set.

    Raises `EdgeCnnError` for a picture of several data sets, and where what draws a PNG is not installed.
    """
    return FORMS[form](points, published)


def _html(points: Sequence[Point], _published: bool) -> bytes:
    from edgecnn.report.page import to_html

    return to_html(points, published_points()).encode()


def _svg(points: Sequence[Point], published: bool) -> bytes:
    return _picture(points, published, dark=True).encode()


def _png(points: Sequence[Point], published: bool) -> bytes:
    try:
        import vl_convert
    except ImportError as error:
        raise EdgeCnnError(f'a PNG needs {error.name}; install it: pip install "edgecnn[report]"') from error
    picture = vl_convert.svg_to_png(_picture(points, published, dark=False), scale=2)
    return bytes(picture)


def _picture(points: Sequence[Point], published: bool, *, dark: bool) -> str:
    if len(by_data(points)) > 1:
        names = ", ".join(data for data, _ in by_data(points))
        raise EdgeCnnError(f"one picture shows one data set, not {names}; write an .html, or give one sweep")
    axis, papers = axes(points)[0], (published_points() if published else [])
    css = scatter.style(scatter.DAY, scatter.LIGHT) + ".scatter{background:#fff}"
    if dark:
        night = scatter.style(scatter.NIGHT, scatter.DARK) + ".scatter{background:#12171e}"
        css += f"@media (prefers-color-scheme:dark){{{night}}}"
    label = f"{points[0].metric} on {points[0].data}, measured, against {axis.title}"
    svg = scatter.draw(points, axis, _PICTURE, label=label, published=papers, css=css)
    style = "font-size:15px;font-weight:600"
    heading = f'<text x="{_PICTURE.left}" y="24" style="{style}">{escape(_title(points))}</text>'
    more = [*scatter.legend(points, _PICTURE, 48.0), *_published(papers)]
    size = f'width="{_PICTURE.width}" height="{_PICTURE.height}" '
    return svg.replace("</svg>", "".join([heading, *more, "</svg>"])).replace("viewBox", size + "viewBox", 1)


def _title(points: Sequence[Point]) -> str:
    return f"{points[0].metric} (%) on {points[0].data}, measured, against mult-adds"


def _published(papers: Sequence[PublishedPoint]) -> list[str]:
    text = "diamonds: published, on ImageNet"
    place = f'x="{_PICTURE.width - _PICTURE.right}" y="24" text-anchor="end"'
    return [f'<text class="soft" {place}>{text}</text>'] if papers else []


FORMS: Mapping[str, Callable[[Sequence[Point], bool], bytes]] = {
    "html": _html,
    "svg": _svg,
    "png": _png,
    "csv": lambda points, _published: to_csv(points).encode(),
    "markdown": lambda points, _published: to_markdown(points).encode(),
}
