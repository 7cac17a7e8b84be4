"""Pooling, with windows and global."""

import math
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from edgecnn.trainable.batch import images
from edgecnn.trainable.operators import Function, runs
from edgecnn.trainable.site import Site
from edgecnn.trainable.windows import Sizes, Window, torch_pads, window

_MAX: dict[int, Any] = {1: F.max_pool1d, 2: F.max_pool2d, 3: F.max_pool3d}
_AVERAGE: dict[int, Any] = {1: F.avg_pool1d, 2: F.avg_pool2d, 3: F.avg_pool3d}


@dataclass(frozen=True, kw_only=True)
class Pool:
    """A window over maps of a fixed size.

    Attributes:
        overhang: how far the last window reaches beyond the padding, where `ceil_mode` lets it.
        sizes: of the result.
    """

    window: Window
    ceil: bool
    overhang: Sizes
    sizes: Sizes

    @property
    def plain(self) -> bool:
        """Whether torch's own padding does: symmetric, and at most half a window."""
        cut = self.window
        return cut.symmetric and all(b <= k // 2 for b, k in zip(cut.begin, cut.kernel, strict=True))


def _pool(site: Site) -> Pool:
    kernel = site.attribute("kernel_shape")
    axes = site.rank(0) - 2
    if axes not in _MAX or len(kernel) != axes:
        raise site.refuse(
            f"has a kernel of {len(kernel)} axes on an input of {site.rank(0)}; 3 to 5 are supported"
        )
    cut, ceil = window(site, kernel), bool(site.attribute("ceil_mode", 0))
    sizes, overhang = [], []
    each = zip(site.shape(0)[2:], cut.begin, cut.end, cut.strides, cut.extents, strict=True)
    for size, begin, end, stride, extent in each:
        room = size + begin + end - extent
        count = (math.ceil(room / stride) if ceil else room // stride) + 1
        if ceil and (count - 1) * stride >= size + begin:
            count -= 1  # the last window would see nothing but padding
        sizes.append(count)
        overhang.append(max((count - 1) * stride - room, 0))
    return Pool(window=cut, ceil=ceil, overhang=tuple(overhang), sizes=tuple(sizes))


def _padded(pool: Pool) -> list[int]:
    end = [size + more for size, more in zip(pool.window.end, pool.overhang, strict=True)]
    return torch_pads(pool.window.begin, end)


@runs(
    "MaxPool", batch=images, attributes="auto_pad ceil_mode dilations kernel_shape pads storage_order strides"
)
def _max_pool(site: Site) -> Function:
    pool = _pool(site)
    cut, function = pool.window, _MAX[len(pool.sizes)]
    kernel, strides, dilations = cut.kernel, cut.strides, cut.dilations
    if pool.plain:
        padding, ceil = cut.begin, pool.ceil
        return lambda x: function(x, kernel, strides, padding, dilations, ceil)
    pads = _padded(pool)
    return lambda x: function(F.pad(x, pads, value=-math.inf), kernel, strides, 0, dilations)


@runs(
    "AveragePool", batch=images, attributes="auto_pad ceil_mode count_include_pad kernel_shape pads strides"
)
def _average_pool(site: Site) -> Function:
    pool, counted = _pool(site), bool(site.attribute("count_include_pad", 0))
    cut, function = pool.window, _AVERAGE[len(pool.sizes)]
    kernel, strides = cut.kernel, cut.strides
    if pool.plain:
        padding, ceil = cut.begin, pool.ceil
        return lambda x: function(x, kernel, strides, padding, ceil, counted)
    pads = _padded(pool)
    # An average over the whole window, padding included, times window / entries that count.
    site.tables.append((math.prod(kernel) / _entries(site, pool, counted)).astype(np.float32))
    return lambda x, factor: function(F.pad(x, pads), kernel, strides) * factor


def _entries(site: Site, pool: Pool, counted: bool) -> np.ndarray:
    """Count what each window averages over: entries of the maps, and of the padding if that counts."""
    cut, axes = pool.window, []
    for axis, size in enumerate(site.shape(0)[2:]):
        before, after = (cut.begin[axis], cut.end[axis]) if counted else (0, 0)
        starts = np.arange(pool.sizes[axis]) * cut.strides[axis] - cut.begin[axis]
        stops = np.minimum(starts + cut.kernel[axis], size + after)
        axes.append(stops - np.maximum(starts, -before))
    counts = [math.prod(each) for each in product(*axes)]
    return np.reshape(np.array(counts, np.float64), (1, 1, *pool.sizes))


@runs("GlobalAveragePool", batch=images)
def _global_average_pool(site: Site) -> Function:
    if site.rank(0) == 4:
        return lambda x: F.adaptive_avg_pool2d(x, 1)
    axes = tuple(range(2, site.rank(0)))
    return lambda x: x.mean(axes, keepdim=True)


@runs("GlobalMaxPool", batch=images)
def _global_max_pool(site: Site) -> Function:
    if site.rank(0) == 4:
        return lambda x: F.adaptive_max_pool2d(x, 1)
    axes = tuple(range(2, site.rank(0)))

    def function(x: Tensor) -> Tensor:
        return torch.amax(x, axes, keepdim=True)

    return function
