"""Accuracy against one cost as SVG: a bubble for each point, its area the parameters (Canziani et al. 2017).

Colours are by network; float is filled, the next recipe hollow, others have a dot; an outline is dashed where
the cost is predicted; the Pareto front is a stepped line.
Classes carry the colours, so that the page and the picture can have themes.
"""

import math
from collections.abc import Sequence
from html import escape

from edgecnn.report.chart_labels import Bubble, Frame, labels
from edgecnn.report.cost_axes import Axis
from edgecnn.report.published_points import PublishedPoint
from edgecnn.report.ticks import Share, linear_ticks, log_scale, log_ticks, scale, short
from edgecnn.sweeps.cells import FLOAT
from edgecnn.sweeps.point import Point, front

LIGHT = ("#0b62a8", "#b3480b", "#0a7a5c", "#8c2f84", "#7a5c00", "#3f4a5a")
DARK = ("#6cb6ff", "#ff9e64", "#4fd6a8", "#e59ae0", "#e0c15a", "#b8c2d0")
DAY = ("#17202b", "#5a6675", "#e6eaef", "#fff")
NIGHT = ("#e8edf3", "#a0acba", "#232c37", "#12171e")
STYLE = """
.scatter text{font:12px system-ui,"Helvetica Neue",Arial,sans-serif;fill:INK}
.scatter .name{paint-order:stroke;stroke:PAPER;stroke-width:3px;stroke-linejoin:round}
.scatter .soft{fill:SOFT}.scatter .grid{stroke:GRID;stroke-width:1}
.scatter .axis{fill:none;stroke:SOFT;stroke-width:1}
.scatter .front{fill:none;stroke:INK;stroke-width:1.5;stroke-dasharray:5 4;opacity:.55}
.scatter .point{stroke-width:2;fill-opacity:.55}.scatter .hollow{fill-opacity:0}
.scatter .predicted{stroke-dasharray:3 2}.scatter .dot{fill:INK;pointer-events:none}
.scatter .published{fill:none;stroke:SOFT;stroke-width:1.5}
.scatter .pair{stroke:SOFT;stroke-width:1;opacity:.5}
"""


WIDE, NARROW = Frame(width=760, height=420), Frame(width=360, height=340, left=48, right=12)


def colours(points: Sequence[Point]) -> dict[str, int]:
    """Return the number of a colour for each network's family: the architecture, or of one its width."""
    return {name: at % len(LIGHT) for at, name in enumerate(dict.fromkeys(family(points, p) for p in points))}


def recipes(points: Sequence[Point]) -> list[str]:
    """Return the labels of the recipes, `float` first: the place says how a point is marked."""
    found = dict.fromkeys(point.label for point in points if point.recipe != FLOAT)
    return ["float", *found]


def family(points: Sequence[Point], point: Point) -> str:
    """Return what a point's colour stands for."""
    if len({each.arch for each in points}) > 1:
        return point.arch
    resolution = point.name.rpartition("-r")[0]
    return resolution or point.name


def style(theme: Sequence[str], palette: Sequence[str]) -> str:
    """Return the style sheet of a theme: the colours of ink, soft ink, grid and paper, then the networks'."""
    text = STYLE
    for name, colour in zip(("INK", "SOFT", "GRID", "PAPER"), theme, strict=True):
        text = text.replace(name, colour)
    fills = [f".scatter .c{at}{{fill:{colour};stroke:{colour}}}" for at, colour in enumerate(palette)]
    return text + "".join(fills)


def draw(
    points: Sequence[Point],
    axis: Axis,
    frame: Frame,
    *,
    label: str,
    published: Sequence[PublishedPoint] = (),
    css: str = "",
    ids: Sequence[int] = (),
) -> str:
    """Return the SVG of one cost; points that lack it are left out.

    Args:
        points: of one data set.
        axis: the cost.
        frame: the size.
        label: what a screen reader says instead.
        published: a layer of papers' points.
        css: a style sheet to carry along, for a picture that stands alone.
        ids: numbers of the points on the page.
    """
    shown = [(at, point, value) for at, point in enumerate(points) if (value := axis.cost(point)) is not None]
    xs = [value for _, _, value in shown] + [each.mult_adds for each in published]
    ys = [point.accuracy for _, point, _ in shown] + [each.accuracy for each in published]
    across, up = log_scale(xs), scale(ys)
    biggest = max([point.parameters for _, point, _ in shown] + [each.parameters for each in published])
    parts = [
        f'<svg class="scatter" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {frame.width} {frame.height}"'
        f' role="img" aria-label="{escape(label)}">',
        f"<style>{css}</style>" if css else "",
        *_axes(axis, frame, xs, across, ys, up),
        *_front(points, axis, frame, across, up),
        *_pairs(shown, frame, across, up),
    ]
    for each in published:
        x, y = frame.x(across(each.mult_adds)), frame.y(up(each.accuracy))
        parts.append(
            f'<path class="published" d="M{x:.1f} {y - 6:.1f}l6 6l-6 6l-6 -6z">'
            f"<title>{escape(each.name)}: {each.accuracy:.1%} published, {escape(each.source)}</title></path>"
        )
    for at, point, value in sorted(shown, key=lambda each: -each[1].parameters):
        radius = _radius(point, biggest)
        place = f'cx="{frame.x(across(value)):.1f}" cy="{frame.y(up(point.accuracy)):.1f}"'
        parts += _bubble(
            points, point, axis, f'data-point="{ids[at] if ids else at}" {place} r="{radius:.1f}"'
        )
        parts += [f'<circle class="dot" {place} r="2"/>'] if recipes(points).index(point.label) > 1 else []
    shown_at = [
        Bubble(
            x=frame.x(across(value)),
            y=frame.y(up(point.accuracy)),
            radius=_radius(point, biggest),
            point=point,
        )
        for _, point, value in shown
    ]
    parts += labels(shown_at, front(points, axis.cost), frame)
    return "".join([*parts, "</svg>"])


def _radius(point: Point, biggest: float) -> float:
    return 4 + 14 * math.sqrt(point.parameters / biggest)


def _bubble(points: Sequence[Point], point: Point, axis: Axis, attributes: str) -> list[str]:
    names = ["point", f"c{colours(points)[family(points, point)]}"]
    names += ["hollow"] if point.recipe != FLOAT else []
    names += ["predicted"] if axis.predicted(point) else []
    return [f'<circle class="{" ".join(names)}" {attributes}/>']


def _axes(
    axis: Axis, frame: Frame, xs: Sequence[float], across: Share, ys: Sequence[float], up: Share
) -> list[str]:
    left, right, bottom, top = frame.x(0), frame.x(1), frame.y(0), frame.y(1)
    parts = []
    for value in linear_ticks(min(ys), max(ys)):
        y = frame.y(up(value))
        if top - 1 <= y <= bottom + 1:
            parts.append(f'<path class="grid" d="M{left} {y:.1f}H{right}"/>')
            text = f"{100 * value:.4g}"
            parts.append(f'<text class="soft" x="{left - 8}" y="{y + 4:.1f}" text-anchor="end">{text}</text>')
    last = -1e9
    for value in log_ticks(min(xs), max(xs), binary=axis.binary):
        x = frame.x(across(value))
        if left - 1 <= x <= right + 1:
            parts.append(f'<path class="grid" d="M{x:.1f} {top}V{bottom}"/>')
            if x - last > 62:
                parts.append(
                    f'<text class="soft" x="{x:.1f}" y="{bottom + 18}" text-anchor="middle">'
                    f"{escape(short(axis.text(value)))}</text>"
                )
                last = x
    parts.append(f'<path class="axis" d="M{left} {top}V{bottom}H{right}"/>')
    middle = (left + right) / 2
    parts.append(
        f'<text x="{middle}" y="{frame.height - 8}" text-anchor="middle">{escape(axis.title)}</text>'
    )
    return parts


def _front(points: Sequence[Point], axis: Axis, frame: Frame, across: Share, up: Share) -> list[str]:
    best = front(points, axis.cost)
    if not best:
        return []
    places = [(frame.x(across(axis.cost(each) or 0)), frame.y(up(each.accuracy))) for each in best]
    path = f"M{places[0][0]:.1f} {frame.y(0)}V{places[0][1]:.1f}"
    path += "".join(f"H{x:.1f}V{y:.1f}" for x, y in places[1:]) + f"H{frame.x(1)}"
    return [f'<path class="front" d="{path}"/>']


def _pairs(shown: Sequence[tuple[int, Point, float]], frame: Frame, across: Share, up: Share) -> list[str]:
    """Return a line from each network in float to the same one by another recipe."""
    plain = {(each.name, each.training): (value, each) for _, each, value in shown if each.recipe == FLOAT}
    parts = []
    for _, point, value in shown:
        if point.recipe != FLOAT and (point.name, point.training) in plain:
            start, other = plain[(point.name, point.training)]
            begin = f"{frame.x(across(start)):.1f} {frame.y(up(other.accuracy)):.1f}"
            end = f"{frame.x(across(value)):.1f} {frame.y(up(point.accuracy)):.1f}"
            parts.append(f'<path class="pair" d="M{begin}L{end}"/>')
    return parts


def legend(points: Sequence[Point], frame: Frame, y: float) -> list[str]:
    """Return what colours, marks and areas mean, as SVG, in one line or more from this height on."""
    numbers = colours(points)
    marks = ["filled", "hollow", "with a dot"]
    items = [(f"c{at}", name) for name, at in numbers.items()]
    items += [("", f"{how}: {name}") for how, name in zip(marks, recipes(points), strict=False)]
    parts, x = [], float(frame.left)
    for colour, text in [*items, ("", "area: parameters"), ("", "dashed: Pareto front")]:
        width = 6.0 * len(text) + (30 if colour else 18)
        if x + width > frame.width:
            x, y = float(frame.left), y + 18
        parts += (
            [f'<circle class="point {colour}" cx="{x + 5:.1f}" cy="{y - 4:.1f}" r="5"/>'] if colour else []
        )
        parts.append(
            f'<text class="soft" x="{x + (14 if colour else 0):.1f}" y="{y:.1f}">{escape(text)}</text>'
        )
        x += width
    return parts
