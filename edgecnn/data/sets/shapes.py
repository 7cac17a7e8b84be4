"""`shapes`: drawn pictures of discs, squares and triangles, with the class of every pixel, 64 x 64, RGB.

A point (u, v) of a shape's own axes lies inside where

    disc: u² + v² ≤ r²   square: max(|u|, |v|) ≤ 0.8 r   triangle: u cos kτ/3 + v sin kτ/3 ≤ r/2, k = 0..2

No two overlap. The ground is a sum of plane waves, and all is under noise. A picture depends on its number
alone.
"""

from collections.abc import Callable

import numpy as np

from edgecnn.data.dataset import Dataset, Split
from edgecnn.data.source import source

_SIDE = 64
_NUMBERS = {"train": range(400), "held-out": range(400, 600)}
_MOST_SHAPES = 3
_RADIUS = (9.0, 18.0)  # pixels
_WAVES = 4
_NOISE = 20.0  # largest deviation of a pixel, of 255
_LEAST_CONTRAST = 60.0  # between a shape's colour and middle gray, of 255, in each channel

_THIRDS = np.arange(3) * (2 * np.pi / 3)
_INSIDE: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "disc": lambda u, v: u**2 + v**2 <= 1,
    "square": lambda u, v: np.maximum(abs(u), abs(v)) <= 0.8,
    "triangle": lambda u, v: (u * np.cos(_THIRDS) + v * np.sin(_THIRDS)).max(-1) <= 0.5,
}
_CLASSES = ("background", *_INSIDE)
_ROWS, _COLUMNS = np.mgrid[:_SIDE, :_SIDE, :1][:2].astype(np.float64)  # (h, w, 1) each

Draw = Callable[..., np.ndarray]


@source(
    "shapes", "600 drawn pictures of discs, squares and triangles, 64 x 64, RGB, with masks; 200 held out"
)
def shapes(split: Split) -> Dataset:
    """Draw the pictures and masks of a split."""
    images, masks = map(np.stack, zip(*map(draw, _NUMBERS[split]), strict=True))
    return Dataset(name="shapes", split=split, images=images, masks=masks, class_names=_CLASSES)


def draw(number: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the picture of a number, uint8 (64, 64, 3), and its mask, uint8 (64, 64)."""
    # Only uniform numbers are drawn: their stream is the same in every version of numpy.
    uniform: Draw = np.random.Generator(np.random.PCG64(number)).random
    picture, mask = _ground(uniform), np.zeros((_SIDE, _SIDE), np.uint8)
    for _ in range(1 + int(uniform() * _MOST_SHAPES)):
        label = 1 + int(uniform() * len(_INSIDE))
        inside, colour = _shape(_CLASSES[label], uniform), _colour(uniform)
        if not mask[inside].any():  # one half hidden could be any of them
            picture[inside], mask[inside] = colour, label
    picture += _NOISE * (2 * uniform((_SIDE, _SIDE, 3)) - 1)
    return np.rint(picture.clip(0, 255)).astype(np.uint8), mask


def _ground(uniform: Draw) -> np.ndarray:
    """Return a texture around middle gray: float (h, w, 3)."""
    ground = np.full((_SIDE, _SIDE, 3), 127.5)
    for _ in range(_WAVES):
        angle, phase, length = uniform() * 2 * np.pi, uniform(3) * 2 * np.pi, 6 + 26 * uniform()
        along = _COLUMNS * np.cos(angle) + _ROWS * np.sin(angle)
        ground += 20 * np.sin(along * (2 * np.pi / length) + phase)
    return ground


def _shape(name: str, uniform: Draw) -> np.ndarray:
    """Return which pixels a shape of random place, size and turn covers: bool (h, w)."""
    radius = _RADIUS[0] + (_RADIUS[1] - _RADIUS[0]) * uniform()
    row, column = radius + (_SIDE - 2 * radius) * uniform(2)
    angle = uniform() * 2 * np.pi
    down, right = (_ROWS - row) / radius, (_COLUMNS - column) / radius
    u, v = right * np.cos(angle) + down * np.sin(angle), down * np.cos(angle) - right * np.sin(angle)
    return _INSIDE[name](u, v).reshape(_SIDE, _SIDE)


def _colour(uniform: Draw) -> np.ndarray:
    """Return a colour that stands out from the ground in every channel."""
    away = _LEAST_CONTRAST + (127.5 - _LEAST_CONTRAST) * uniform(3)
    return 127.5 + np.where(uniform(3) < 0.5, -away, away)
