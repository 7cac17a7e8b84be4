"""Parts of a tensor, and tensors put together: Slice, Split, Gather, Concat, Pad."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from edgecnn.trainable.batch import aligned, apart_from, first_input
from edgecnn.trainable.operators import Function, runs
from edgecnn.trainable.site import Site
from edgecnn.trainable.windows import torch_pads


def _slices(site: Site) -> dict[int, slice]:
    """Return the slices that take less than all, by axis."""
    starts, ends = site.integers(1) or [], site.integers(2) or []
    axes, steps = site.integers(3) or list(range(len(starts))), site.integers(4) or [1] * len(starts)
    found = {}
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        size = site.shape(0)[site.axis(axis)]
        stop = None if step < 0 and end < -size else end  # before the first entry
        if not step:
            raise site.refuse("has a step of 0")
        cut = slice(start, stop, step)
        if range(size)[cut] != range(size):
            found[site.axis(axis)] = cut
    return found


def _slice_batch(site: Site) -> int:
    batch = first_input(site)
    if batch in _slices(site):
        raise site.refuse(f"picks some of the images along axis {batch}")
    return batch


@runs("Slice", batch=_slice_batch)
def _slice(site: Site) -> Function:
    cuts = _slices(site)
    backward = [axis for axis, cut in cuts.items() if cut.step < 0]
    if not backward:
        index = tuple(cuts.get(axis, slice(None)) for axis in range(site.rank(0)))
        return (lambda x: x[index]) if cuts else (lambda x: x)
    site.tables += [np.arange(site.shape(0)[axis])[cut] for axis, cut in cuts.items()]
    axes = list(cuts)
    return lambda x, *tables: select(x, axes, tables)


def select(x: Tensor, axes: Sequence[int], tables: Sequence[Tensor]) -> Tensor:
    """Take entries along some axes, each by its table of indices."""
    for axis, table in zip(axes, tables, strict=True):
        x = x.index_select(axis, table)
    return x


@runs(
    "Split",
    batch=lambda site: apart_from(site, site.axis(site.attribute("axis", 0)), "splits"),
    attributes="axis",
    spreads=True,
)
def _split(site: Site) -> Function:
    axis = site.axis(site.attribute("axis", 0))
    parts, size = len(site.node.outputs), site.shape(0)[axis]
    sizes = site.integers(1) or [size // parts] * parts
    if sum(sizes) != size or len(sizes) != parts:
        raise site.refuse(f"splits {size} entries into {len(sizes)} parts of {sizes}")
    return lambda x: torch.split(x, sizes, axis)


def _gathered(site: Site) -> int:
    axis = site.axis(site.attribute("axis", 0))
    batch = apart_from(site, axis, "gathers")
    return batch if batch < axis else batch - 1 + site.rank(1)


@runs("Gather", batch=_gathered, attributes="axis")
def _gather(site: Site) -> Function:
    axis, indices = site.axis(site.attribute("axis", 0)), site.setting(1)
    if indices is None:
        raise site.refuse("lacks its indices")
    size, indices = site.shape(0)[axis], np.asarray(indices, np.int64)
    if np.any((indices < -size) | (indices >= size)):
        raise site.refuse(f"gathers entries {indices.min()} to {indices.max()} of {size}")
    indices = indices % size
    if indices.ndim == 0:
        entry = int(indices)
        return lambda x: x.select(axis, entry)
    shape = indices.shape
    site.tables.append(indices.ravel())
    return lambda x, table: x.index_select(axis, table).unflatten(axis, shape)


def _joined(site: Site) -> int:
    place, axis = aligned(site, site.rank(0)), site.axis(site.attribute("axis"))
    if place == axis:
        raise site.refuse(f"joins along axis {axis}, the axis of the images")
    return place


@runs("Concat", batch=_joined, attributes="axis")
def _concat(site: Site) -> Function:
    axis, batched = site.axis(site.attribute("axis")), site.batched()
    if not batched or len(batched) == len(site.node.inputs):
        return lambda *tensors: torch.cat(tensors, axis)
    batch, first = _joined(site), batched[0]
    constant = [index for index in range(len(site.node.inputs)) if index not in batched]

    def function(*tensors: Tensor) -> Tensor:
        """Repeat what no image decides for every image."""
        parts, n = list(tensors), tensors[first].shape[batch]
        for index in constant:
            parts[index] = parts[index].expand(*_all_but(batch, n, parts[index].dim()))
        return torch.cat(parts, axis)

    return function


def _all_but(axis: int, size: int, rank: int) -> list[int]:
    return [size if each == axis else -1 for each in range(rank)]


def _pads(site: Site) -> tuple[list[int], list[int]]:
    pads, rank = site.integers(1) or [], site.rank(0)
    if len(pads) != 2 * rank:
        raise site.refuse(f"has {len(pads)} pads for {rank} axes")
    return pads[:rank], pads[rank:]


def _padded(site: Site) -> int:
    batch, (begin, end) = first_input(site), _pads(site)
    if begin[batch] or end[batch]:
        raise site.refuse(f"pads along axis {batch}, the axis of the images")
    return batch


@runs("Pad", batch=_padded, attributes="mode")
def _pad(site: Site) -> Function:
    begin, end = _pads(site)
    mode = site.choice("mode", "constant", "constant reflect edge")
    filling: Any = site.number(2) if site.has(2) else 0.0
    if filling is None:
        raise site.refuse("computes the value that it pads with, which must be constant")
    if mode == "constant":
        pads = torch_pads(begin, end)
        return lambda x: F.pad(x, pads, value=filling)
    if min(*begin, *end) < 0:
        raise site.refuse(f"cuts off by {mode}; only constant pads may be negative")
    axes = [axis for axis in range(site.rank(0)) if begin[axis] or end[axis]]
    site.tables += [_repeated(site.shape(0)[axis], begin[axis], end[axis], mode) for axis in axes]
    return lambda x, *tables: select(x, axes, tables)


def _repeated(size: int, begin: int, end: int, mode: Any) -> np.ndarray:
    """Return which entries stand along a padded axis."""
    return np.pad(np.arange(size), (begin, end), mode=mode)
