"""How a tensor of the file holds an ONNX value: which axis, and which element, lies where.

File axis i is ONNX axis `axes[i]`. A feature vector flattened from images (c, h, w) keeps the elements in
the image's own order (h, w, c): its `blocks` list the (c, h, w) of each image, one after the other.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

NHWC = (0, 2, 3, 1)
Block = tuple[int, int, int]


@dataclass(frozen=True, kw_only=True)
class Held:
    """The tensor `index` of the file holds an ONNX value of `shape`, laid out by `axes` and `blocks`."""

    index: int
    shape: tuple[int, ...]
    axes: tuple[int, ...]
    blocks: tuple[Block, ...] = ()

    @property
    def file_shape(self) -> tuple[int, ...]:
        """The tensor's shape in the file."""
        return tuple(self.shape[axis] for axis in self.axes)

    @property
    def order(self) -> tuple[int, ...]:
        """The axes longer than 1 as they follow each other in memory."""
        return memory_order(self.shape, self.axes)


def standard(rank: int) -> tuple[int, ...]:
    """Return the layout that inputs and outputs have: NHWC for 4 axes, ONNX's own order otherwise."""
    return NHWC if rank == len(NHWC) else tuple(range(rank))


def memory_order(shape: Sequence[int], axes: Sequence[int]) -> tuple[int, ...]:
    """Return the axes longer than 1 in the file's order; equal orders mean equal bytes."""
    return tuple(axis for axis in axes if shape[axis] > 1)


def to_file(array: np.ndarray, axes: Sequence[int]) -> np.ndarray:
    """Return a view of a constant that broadcasts against an ONNX value as one that does in the file."""
    return array.reshape((1,) * (len(axes) - array.ndim) + array.shape).transpose(axes)


def permute_features(array: np.ndarray, blocks: Sequence[Block]) -> np.ndarray:
    """Return `array` (..., features) with its features in the file's order; a view where one block allows."""
    lead = array.shape[:-1]
    ends = np.cumsum([math.prod(block) for block in blocks])
    parts = [
        np.moveaxis(part.reshape(*lead, *block), -3, -1)
        for part, block in zip(np.split(array, ends[:-1], axis=-1), blocks, strict=True)
    ]
    return parts[0] if len(parts) == 1 else np.concatenate([part.reshape(*lead, -1) for part in parts], -1)


def reshaped_axes(shape: Sequence[int], axes: Sequence[int], target: Sequence[int]) -> tuple[int, ...] | None:
    """Return the layout in which the same bytes are the value reshaped to `target`, or None.

    None means that elements would have to move: ONNX's Reshape counts in ONNX's order of axes, so only axes
    that follow each other in ONNX and in the file can be merged or split anew.
    """
    position = {axis: place for place, axis in enumerate(memory_order(shape, axes))}
    left = [axis for axis, size in enumerate(target) if size > 1]
    split: list[tuple[int, list[int]]] = []
    for run in _runs(position):
        size, taken = math.prod(shape[axis] for axis in run), []
        while size > 1 and left and size % target[left[0]] == 0:
            size //= target[left[0]]
            taken.append(left.pop(0))
        if size > 1:
            return None
        split.append((position[run[0]], taken))
    return _with_unit_axes(target, tuple(axis for _, taken in sorted(split) for axis in taken))


def _runs(position: Mapping[int, int]) -> list[list[int]]:
    """Group the axes, in ONNX's order, into those that also follow each other in the file."""
    runs: list[list[int]] = []
    for axis in sorted(position):
        if runs and position[axis] == position[runs[-1][-1]] + 1:
            runs[-1].append(axis)
        else:
            runs.append([axis])
    return runs


def _with_unit_axes(target: Sequence[int], order: tuple[int, ...]) -> tuple[int, ...]:
    """Place the axes of length 1, which lie anywhere: as the standard layout has them where that fits."""
    for axes in (standard(len(target)), tuple(range(len(target)))):
        if memory_order(target, axes) == order:
            return axes
    return tuple(axis for axis, size in enumerate(target) if size == 1) + order
