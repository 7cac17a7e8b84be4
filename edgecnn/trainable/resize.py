"""Resizing: nearest, linear and cubic interpolation, along each axis by itself.

    y_i = Σ_j W_ij x_j    with W from the coordinate x(i) that the operator's mode gives to the output's i

    half_pixel              x(i) = (i + 1/2) / scale − 1/2
    pytorch_half_pixel      the same; 0 where the output has one entry
    align_corners           x(i) = i (in − 1) / (out − 1)
    asymmetric              x(i) = i / scale

Source: the ONNX operator specification, Resize-13; Keys 1981 for the cubic kernel. Where torch has a kernel
of the same meaning, that one runs.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from edgecnn.trainable.batch import first_input
from edgecnn.trainable.indexing import select
from edgecnn.trainable.operators import Function, runs
from edgecnn.trainable.site import Site

Places = np.ndarray  # (out,): where each output entry lies among the input's


@dataclass(frozen=True, kw_only=True)
class Axis:
    """How one axis is resized."""

    size: int
    result: int
    scale: float

    @property
    def exact(self) -> bool:
        """Whether the scale is the quotient of the sizes, as torch takes it to be."""
        return self.size * self.scale == self.result


# In float32, as ONNX Runtime computes them, so that a place on a border is rounded to the same side.
def _half_pixel(axis: Axis) -> Places:
    return (_entries(axis) + np.float32(0.5)) / np.float32(axis.scale) - np.float32(0.5)


def _pytorch_half_pixel(axis: Axis) -> Places:
    return _half_pixel(axis) if axis.result > 1 else np.zeros(1, np.float32)


def _align_corners(axis: Axis) -> Places:
    return _entries(axis) * np.float32(axis.size - 1) / np.float32(max(axis.result - 1, 1))


def _asymmetric(axis: Axis) -> Places:
    return _entries(axis) / np.float32(axis.scale)


def _entries(axis: Axis) -> np.ndarray:
    return np.arange(axis.result, dtype=np.float32)


_PLACES: dict[str, Callable[[Axis], Places]] = {
    "half_pixel": _half_pixel,
    "pytorch_half_pixel": _pytorch_half_pixel,
    "align_corners": _align_corners,
    "asymmetric": _asymmetric,
}
_ROUNDED: dict[str, Callable[[Places], Places]] = {
    "round_prefer_floor": lambda x: np.ceil(x - 0.5),
    "round_prefer_ceil": lambda x: np.floor(x + 0.5),
    "floor": np.floor,
    "ceil": np.ceil,
}
# What torch's own kernel computes: mode, coordinates, rounding → its arguments.
_TORCH: dict[tuple[str, str, str], dict[str, Any]] = {
    ("nearest", "asymmetric", "floor"): {"mode": "nearest"},
    ("linear", "half_pixel", ""): {"mode": "bilinear", "align_corners": False},
    ("linear", "pytorch_half_pixel", ""): {"mode": "bilinear", "align_corners": False},
    ("linear", "align_corners", ""): {"mode": "bilinear", "align_corners": True},
    ("cubic", "half_pixel", ""): {"mode": "bicubic", "align_corners": False},
    ("cubic", "align_corners", ""): {"mode": "bicubic", "align_corners": True},
}
_ATTRIBUTES = (
    "coordinate_transformation_mode cubic_coeff_a exclude_outside extrapolation_value mode nearest_mode"
)


def _axes(site: Site) -> list[Axis]:
    scales, sizes = site.setting(2), site.integers(3)
    site.setting(1)  # the region, which only tf_crop_and_resize reads
    if sizes:
        return [Axis(size=a, result=b, scale=b / a) for a, b in zip(site.shape(0), sizes, strict=True)]
    if scales is None or len(scales) != site.rank(0):
        raise site.refuse(f"needs a size or a scale for each of {site.rank(0)} axes")
    factors = [float(scale) for scale in scales]
    shape = zip(site.shape(0), factors, strict=True)
    return [Axis(size=size, result=math.floor(size * scale), scale=scale) for size, scale in shape]


def _batch(site: Site) -> int:
    batch = first_input(site)
    if _axes(site)[batch].result != site.graph_batch:
        raise site.refuse(f"resizes axis {batch}, the axis of the images")
    return batch


@runs("Resize", batch=_batch, attributes=_ATTRIBUTES)
def _resize(site: Site) -> Function:
    mode = site.choice("mode", "nearest", "nearest linear cubic")
    places = site.choice("coordinate_transformation_mode", "half_pixel", " ".join(_PLACES))
    rounding = (
        site.choice("nearest_mode", "round_prefer_floor", " ".join(_ROUNDED)) if mode == "nearest" else ""
    )
    resized = {index: axis for index, axis in enumerate(_axes(site)) if axis.size != axis.result}
    keys = _TORCH.get((mode, places, rounding)) if _is_torch_s(site, resized) else None
    if keys is not None:
        size = tuple(axis.result for axis in _axes(site)[2:])
        return lambda x: F.interpolate(x, size, **keys)
    indices = list(resized)
    if mode == "nearest":
        site.tables += [_nearest(axis, _PLACES[places](axis), rounding) for axis in resized.values()]
        return lambda x, *tables: select(x, indices, tables)
    weights = _cubic(site) if mode == "cubic" else _linear
    site.tables += [weights(axis, _PLACES[places](axis)) for axis in resized.values()]
    return lambda x, *tables: _interpolate(x, indices, tables)


def _is_torch_s(site: Site, resized: dict[int, Axis]) -> bool:
    """Tell whether torch resizes these axes by these scales, and a border and a kernel as usual."""
    usual = not site.attribute("exclude_outside", 0) and site.real("cubic_coeff_a", -0.75) == -0.75
    maps = site.rank(0) == 4 and site.batch(0) in (0, None) and set(resized) <= {2, 3}
    return usual and maps and all(axis.exact and axis.result > 1 for axis in resized.values())


def _interpolate(x: Tensor, axes: Sequence[int], tables: Sequence[Tensor]) -> Tensor:
    for axis, table in zip(axes, tables, strict=True):
        x = torch.matmul(x.movedim(axis, -1), table.t()).movedim(-1, axis)
    return x


def _nearest(axis: Axis, places: Places, rounding: str) -> np.ndarray:
    return np.asarray(np.clip(_ROUNDED[rounding](places), 0, axis.size - 1), np.int64)


def _linear(axis: Axis, places: Places) -> np.ndarray:
    inside = np.clip(places, 0, axis.size - 1)
    left = np.floor(inside).astype(np.int64)
    table = np.zeros((axis.result, axis.size), np.float32)
    rows = np.arange(axis.result)
    np.add.at(table, (rows, left), 1 - (inside - left))
    np.add.at(table, (rows, np.minimum(left + 1, axis.size - 1)), inside - left)
    return table


def _cubic(site: Site) -> Callable[[Axis, Places], np.ndarray]:
    a, excluded = site.real("cubic_coeff_a", -0.75), bool(site.attribute("exclude_outside", 0))

    def weights(axis: Axis, places: Places) -> np.ndarray:
        table, rows = np.zeros((axis.result, axis.size)), np.arange(axis.result)
        for tap in range(-1, 3):
            at = np.floor(places).astype(np.int64) + tap
            weight = _keys(np.abs(places - at), a)
            inside = (at >= 0) & (at < axis.size)
            np.add.at(table, (rows, np.clip(at, 0, axis.size - 1)), weight * inside if excluded else weight)
        return (table / table.sum(1, keepdims=True) if excluded else table).astype(np.float32)

    return weights


def _keys(x: np.ndarray, a: float) -> np.ndarray:
    """Return the cubic convolution kernel at distances from 0 to 2."""
    near = ((a + 2) * x - (a + 3)) * x**2 + 1
    far = a * (((x - 5) * x + 8) * x - 4)
    return np.where(x <= 1, near, np.where(x < 2, far, 0.0))
