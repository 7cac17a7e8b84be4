"""The field of a chart, and names beside its bubbles where they cover neither a bubble nor another name."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from edgecnn.sweeps.cells import FLOAT
from edgecnn.sweeps.point import Point

_CHARACTER, _ABOVE, _BELOW, _GAP = 6.4, 11.0, 4.0, 4.0  # of the text, in pixels
_LONGEST = 30  # characters of a name with its recipe


@dataclass(frozen=True, kw_only=True)
class Frame:
    """The size of a picture, and the margins around its field."""

    width: int
    height: int
    left: int = 58
    right: int = 18
    top: int = 14
    bottom: int = 46

    def x(self, share: float) -> float:
        """Return the place of a share of the field, from the left."""
        return self.left + share * (self.width - self.left - self.right)

    def y(self, share: float) -> float:
        """Return the place of a share of the field, from below."""
        return self.height - self.bottom - share * (self.height - self.top - self.bottom)


@dataclass(frozen=True, kw_only=True)
class Bubble:
    """A point's place, in pixels."""

    x: float
    y: float
    radius: float
    point: Point

    @property
    def box(self) -> "Box":
        """Its left, top, right and bottom."""
        return (self.x - self.radius, self.y - self.radius, self.x + self.radius, self.y + self.radius)


Box = tuple[float, float, float, float]


def labels(bubbles: Sequence[Bubble], named: Sequence[Point], frame: Frame) -> list[str]:
    """Return the names of these points, as SVG, of those for which there is room."""
    taken, parts = [bubble.box for bubble in bubbles], []
    for point in reversed(named):
        bubble = next(each for each in bubbles if each.point is point)
        text = _text(point)
        for anchor, x, y, box in _candidates(bubble, _CHARACTER * len(text)):
            if _is_inside(box, frame) and not any(_overlap(box, other) for other in taken):
                taken.append(box)
                place = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"'
                parts.append(f'<text class="name" {place}>{escape(text)}</text>')
                break
    return parts


def _text(point: Point) -> str:
    with_recipe = f"{point.name} {point.label}"
    return point.name if point.recipe == FLOAT or len(with_recipe) > _LONGEST else with_recipe


def _candidates(bubble: Bubble, width: float) -> list[tuple[str, float, float, Box]]:
    """Return where a name of this width may stand: first where the front does not pass, then further off."""
    found = []
    for away in (12.0, 0.0, 26.0):
        aside = bubble.radius + _GAP
        for anchor, way in (("start", 1), ("end", -1), ("end", 1), ("start", -1)):
            at, y = bubble.x + (aside if anchor == "start" else -aside), bubble.y + 4 + way * away
            left = at if anchor == "start" else at - width
            found.append((anchor, at, y, (left, y - _ABOVE, left + width, y + _BELOW)))
    return found


def _is_inside(box: Box, frame: Frame) -> bool:
    across = frame.x(0) <= box[0] and box[2] <= frame.width
    return across and frame.y(1) <= box[1] and box[3] <= frame.y(0)


def _overlap(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
