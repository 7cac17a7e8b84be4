"""The same entries in another shape: reshaping, flattening, transposing, expanding, space to depth."""

import math

from torch import Tensor

from edgecnn.trainable.batch import first_input, images, reshaped
from edgecnn.trainable.operators import Function, runs
from edgecnn.trainable.site import Site

Shape = tuple[int, ...]


def _target(site: Site) -> Shape:
    """Return the sizes that a node's shape gives for the graph's own batch, without 0 and -1."""
    if site.node.op_type == "Flatten":
        source, axis = site.shape(0), site.attribute("axis", 1)
        axis = axis + len(source) if axis < 0 else axis
        return math.prod(source[:axis]), math.prod(source[axis:])
    source, sizes = site.shape(0), site.integers(1) or []
    sizes = [source[axis] if size == 0 and axis < len(source) else size for axis, size in enumerate(sizes)]
    if -1 in sizes:
        rest = -math.prod(sizes)
        sizes[sizes.index(-1)] = math.prod(source) // rest if rest else 0
    if math.prod(sizes) != math.prod(source):
        raise site.refuse(f"reshapes {source} to {tuple(sizes)}, which has another number of entries")
    return tuple(sizes)


def _reshape_batch(site: Site) -> int:
    return reshaped(site, site.shape(0), _target(site))


@runs("Flatten Reshape", batch=_reshape_batch, attributes="allowzero axis")
def _reshape(site: Site) -> Function:
    if site.attribute("allowzero", 0):
        raise site.refuse("has allowzero=1, which is not supported")
    target = list(_target(site))
    if site.batched():
        axis = _reshape_batch(site)
        if len(target) == 2 and axis == 0 and site.batch(0) == 0:
            return lambda x: x.flatten(1) if x.dim() > 1 else x[:, None]
        target[axis] = -1
    return lambda x: x.reshape(target)


def _permutation(site: Site) -> Shape:
    order = site.attribute("perm", tuple(range(site.rank(0)))[::-1])
    if sorted(order) != list(range(site.rank(0))):
        raise site.refuse(f"has perm={order}, which is no order of {site.rank(0)} axes")
    return tuple(order)


@runs("Transpose", batch=lambda site: _permutation(site).index(first_input(site)), attributes="perm")
def _transpose(site: Site) -> Function:
    order = _permutation(site)
    return lambda x: x.permute(order)


def _squeezed(site: Site) -> Shape:
    axes = site.integers(1)
    if axes is None:
        return tuple(axis for axis, size in enumerate(site.shape(0)) if size == 1)
    return tuple(sorted(site.axis(axis) for axis in axes))


def _squeeze_batch(site: Site) -> int:
    batch, gone = first_input(site), _squeezed(site)
    if batch in gone:
        raise site.refuse(f"drops axis {batch}, the axis of the images; name the axes to drop")
    return batch - sum(axis < batch for axis in gone)


@runs("Squeeze", batch=_squeeze_batch)
def _squeeze(site: Site) -> Function:
    axes = _squeezed(site)
    return lambda x: x.squeeze(axes)


def _unsqueezed(site: Site) -> Shape:
    axes = site.integers(1) or []
    return tuple(sorted(site.axis(axis, site.rank(0) + len(axes)) for axis in axes))


def _unsqueeze_batch(site: Site) -> int:
    new = _unsqueezed(site)
    kept = [axis for axis in range(site.rank(0) + len(new)) if axis not in new]
    return kept[first_input(site)]


@runs("Unsqueeze", batch=_unsqueeze_batch)
def _unsqueeze(site: Site) -> Function:
    axes = _unsqueezed(site)

    def function(x: Tensor) -> Tensor:
        for axis in axes:
            x = x.unsqueeze(axis)
        return x

    return function


def _expand_batch(site: Site) -> int:
    shape = site.integers(1) or []
    rank = max(site.rank(0), len(shape))
    place = first_input(site) + rank - site.rank(0)
    at = place - rank + len(shape)
    if at >= 0 and shape[at] not in (1, site.graph_batch):
        raise site.refuse(f"repeats the images {shape[at]} times")
    return place


@runs("Expand", batch=_expand_batch)
def _expand(site: Site) -> Function:
    source, shape = site.shape(0), site.integers(1) or []
    rank = max(len(source), len(shape))
    sizes = [
        max(pair) if 0 not in pair else 0
        for pair in zip(_right(source, rank), _right(shape, rank), strict=True)
    ]
    if site.batched():
        sizes[_expand_batch(site)] = -1
    return lambda x: x.expand(sizes)


def _right(sizes: Shape | list[int], rank: int) -> list[int]:
    return [1] * (rank - len(sizes)) + list(sizes)


def _tile_batch(site: Site) -> int:
    batch, repeats = first_input(site), site.integers(1) or []
    if repeats[batch] != 1:
        raise site.refuse(f"repeats the images {repeats[batch]} times")
    return batch


@runs("Tile", batch=_tile_batch)
def _tile(site: Site) -> Function:
    repeats = site.integers(1) or []
    return lambda x: x.repeat(repeats)


# (c, block, block) or (block, block, c) → how the axes of (n, ..., h, w) go to (n, c, h, block, w, block).
_DEPTH_ORDERS = {"DCR": (0, 3, 4, 1, 5, 2), "CRD": (0, 1, 4, 2, 5, 3)}


@runs("DepthToSpace", batch=images, attributes="blocksize mode")
def _depth_to_space(site: Site) -> Function:
    block, mode = site.attribute("blocksize"), site.choice("mode", "DCR", "DCR CRD")
    (_, c, h, w), order = site.shape(0), _DEPTH_ORDERS[mode]
    depth = c // block**2
    split = (block, block, depth) if mode == "DCR" else (depth, block, block)
    return lambda x: x.reshape(-1, *split, h, w).permute(order).reshape(-1, depth, h * block, w * block)


@runs("SpaceToDepth", batch=images, attributes="blocksize")
def _space_to_depth(site: Site) -> Function:
    block, (_, c, h, w) = site.attribute("blocksize"), site.shape(0)
    rows, columns, depth = h // block, w // block, c * block**2
    return lambda x: (
        x.reshape(-1, c, rows, block, columns, block)
        .permute(0, 3, 5, 1, 2, 4)
        .reshape(-1, depth, rows, columns)
    )
