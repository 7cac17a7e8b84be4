"""What each position of a map sees of the image, exactly: an interval of input positions for each axis.

For a window of k taps, stride s, dilation d and padding p, output o sees the positions from `o s − p` to
`o s − p + (k − 1) d` of the map before; output o of a transposed convolution sees those i with
`0 ≤ o + p − i s ≤ (k − 1) d`. Positions in the padding count, as in the usual theoretical receptive
field. Unlike the recursion `rf += (k − 1) jump`, this gives the least and the greatest extent where
they differ from place to place.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import reduce
from math import gcd

import numpy as np


@dataclass(frozen=True)
class Extent:
    """What the positions along one axis of a map see.

    Attributes:
        first, last: the first and last input position, by position of the map.
        jump: how far apart in the input two neighbours of the map are, on average.
        period: after so many positions the pattern repeats; above 1 once a map was up-sampled.
    """

    first: np.ndarray
    last: np.ndarray
    jump: Fraction = Fraction(1)
    period: int = 1

    def at(self, positions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return first and last at positions; the pattern continues outside the map, in the padding."""
        size, period = len(self.first), min(self.period, len(self.first))
        before, after = positions % period, size - period + (positions - size) % period
        inside = np.where(positions < 0, before, np.where(positions >= size, after, positions))
        beyond = (positions - inside) * self.jump.numerator // self.jump.denominator
        return self.first[inside] + beyond, self.last[inside] + beyond


Field = tuple[Extent, ...]  # one for each spatial axis
Sizes = Sequence[int]  # likewise

UNKNOWN: Field = ()  # of a map that has positions, but came by an operator whose rule is not known


def start(sizes: Sizes) -> Field:
    """Return the field of the input image: every pixel sees itself."""
    return tuple(Extent(np.arange(size), np.arange(size)) for size in sizes)


def span(field: Field | None) -> tuple[int, int] | None:
    """Return the least and greatest extent over all positions, along the axis that sees the most."""
    if not field:
        return None
    size = _size(_widest(field))
    return int(size.min()), int(size.max())


def stride(field: Field | None) -> float | None:
    """Return the jump along the axis that sees the most, a whole number where it is one."""
    if not field:
        return None
    jump = _widest(field).jump
    return jump.numerator if jump.denominator == 1 else float(jump)


def _widest(field: Field) -> Extent:
    return max(field, key=lambda extent: int(_size(extent).max()))


def _size(extent: Extent) -> np.ndarray:
    return np.asarray(extent.last - extent.first + 1)


def windows(
    field: Field, sizes: Sizes, kernel: Sizes, strides: Sizes, dilations: Sizes, begins: Sizes
) -> Field:
    """Return the field of a map of `sizes` whose positions are windows over `field`."""
    axes = zip(field, sizes, kernel, strides, dilations, begins, strict=True)
    return tuple(_slide(extent, np.arange(size) * s - p, (k - 1) * d, s) for extent, size, k, s, d, p in axes)


def moved(field: Field, sizes: Sizes, begins: Sizes, steps: Sizes | None = None) -> Field:
    """Return the field after padding by `begins`, or cutting where negative, and taking each `steps`-th."""
    ones = (1,) * len(field)
    return windows(field, sizes, ones, steps or ones, ones, begins)


def _slide(extent: Extent, begin: np.ndarray, reach: int, step: int) -> Extent:
    period = extent.period // gcd(extent.period, step)
    return Extent(extent.at(begin)[0], extent.at(begin + reach)[1], extent.jump * step, period)


def spread(
    field: Field, sizes: Sizes, kernel: Sizes, strides: Sizes, dilations: Sizes, begins: Sizes
) -> Field:
    """Return the field of a transposed convolution's output of `sizes`."""
    axes = zip(field, sizes, kernel, strides, dilations, begins, strict=True)
    return tuple(_spread(extent, np.arange(size) + p, (k - 1) * d, s) for extent, size, k, s, d, p in axes)


def _spread(extent: Extent, position: np.ndarray, reach: int, step: int) -> Extent:
    nearest, farthest = -((reach - position) // step), position // step  # ceil and floor
    low, high = np.minimum(nearest, farthest), np.maximum(nearest, farthest)
    return Extent(extent.at(low)[0], extent.at(high)[1], extent.jump / step, extent.period * step)


def resized(field: Field, sizes: Sizes, coordinates: str, *, nearest: bool) -> Field:
    """Return the field after interpolating to `sizes`; `coordinates` is one of `COORDINATES`."""
    axes = zip(field, sizes, strict=True)
    return tuple(_interpolated(extent, out, coordinates, nearest=nearest) for extent, out in axes)


def _interpolated(extent: Extent, out: int, coordinates: str, *, nearest: bool) -> Extent:
    size = len(extent.first)
    where, parts = COORDINATES[coordinates](np.arange(out), size, out)
    low, high = where // parts, where // parts if nearest else -(-where // parts)
    repeats = coordinates != "align_corners" and out % size == 0
    period = extent.period * out // size if repeats else out
    return Extent(extent.at(low)[0], extent.at(high)[1], extent.jump * size / out, period)


# Where an output position lies in the input: a numerator for each, and the denominator; nothing is rounded.
COORDINATES: dict[str, Callable[[np.ndarray, int, int], tuple[np.ndarray, int]]] = {
    "asymmetric": lambda at, size, out: (at * size, out),
    "half_pixel": lambda at, size, out: ((2 * at + 1) * size - out, 2 * out),
    "nearest_half_pixel": lambda at, size, out: ((2 * at + 1) * size, 2 * out),
    "align_corners": lambda at, size, out: (at * (size - 1), max(out - 1, 1)),
}


def union(fields: Sequence[Field]) -> Field:
    """Return the field of a map each of whose positions reads the same position of several."""
    return tuple(reduce(_both, extents) for extents in zip(*fields, strict=True))


def _both(one: Extent, other: Extent) -> Extent:
    # One of them may have a single position, which is then read everywhere.
    wider = one if len(one.first) >= len(other.first) else other
    first, last = np.minimum(one.first, other.first), np.maximum(one.last, other.last)
    return Extent(first, last, wider.jump, max(one.period, other.period))
