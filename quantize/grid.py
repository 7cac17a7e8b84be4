"""The numbers that int8 can hold: scales and zero points from ranges, and rounding to them.

    q = clip(round(x / s) + z, -128, 127)        x' = (q - z) s        |x' - x| <= s / 2 inside the range

asymmetric (activations): s = (hi - lo) / 255, z = round(-128 - lo / s), with lo <= 0 <= hi, so that z is
exactly zero's; symmetric (weights): s = max |x| / 127, z = 0, q in [-127, 127]; halves are rounded to even.
Source: Jacob et al. 2018, arXiv:1712.05877, §2.1, §3.1; TensorFlow Lite's 8-bit quantization specification.
"""

from dataclasses import dataclass

import numpy as np

LOWEST, HIGHEST = -128, 127
LEVELS = HIGHEST - LOWEST
_LEAST_RANGE = 2.0**-100  # below it scales would leave float32


@dataclass(frozen=True, kw_only=True)
class Grid:
    """A scale and zero point of a whole tensor."""

    scale: float
    zero_point: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "scale", float(np.float32(self.scale)))


def asymmetric(low: float, high: float) -> Grid:
    """Return the grid of the activations of a range, which is widened to hold zero.

    A range of nothing but zero gets scale 1: nothing is known about what else may come.
    """
    low, high = min(low, 0.0), max(high, 0.0)
    if high - low < _LEAST_RANGE:
        return Grid(scale=1.0, zero_point=LOWEST)
    scale = float(np.float32((high - low) / LEVELS))
    return Grid(scale=scale, zero_point=int(np.clip(np.rint(LOWEST - low / scale), LOWEST, HIGHEST)))


def symmetric(low: float, high: float) -> Grid:
    """Return the grid of zero point 0 that holds a range."""
    bound = max(-low, high, 0.0)
    return Grid(scale=bound / HIGHEST if bound >= _LEAST_RANGE else 1.0, zero_point=0)


def weight_scales(weight: np.ndarray, axis: int | None) -> np.ndarray:
    """Return the symmetric scales of a weight, float32 (c_out,) along `axis`, or () where it is None.

    A channel of zeros gets the largest of the other channels' scales.
    """
    others = tuple(index for index in range(weight.ndim) if index != axis)
    bounds = np.abs(weight.astype(np.float64)).max(axis=None if axis is None else others)
    scales = np.asarray(bounds / HIGHEST, np.float64)
    largest = float(scales.max(initial=0.0))
    dead = scales < _LEAST_RANGE
    return np.asarray(np.where(dead, largest if largest >= _LEAST_RANGE else 1.0, scales), np.float32)


def quantize(values: np.ndarray, grid: Grid) -> np.ndarray:
    """Return the int8 numbers of an array."""
    rounded = np.rint(values / np.float32(grid.scale)) + grid.zero_point
    return np.asarray(np.clip(rounded, LOWEST, HIGHEST), np.int8)


def dequantize(numbers: np.ndarray, grid: Grid) -> np.ndarray:
    """Return float32 values of int8 numbers."""
    return np.asarray((numbers.astype(np.int32) - grid.zero_point) * np.float32(grid.scale), np.float32)
