"""Operators that only see a value differently: the labels move, and settings that spell sizes out follow.

Flatten   (n, c, h, w) → (n, c h w)      each channel's label stands for h w places
Reshape   (n, c, h, w) → (n, g, c / g, h, w)   the same place of all g groups is tied (channel shuffle)
"""

from collections.abc import Iterator, Sequence
from math import prod

import numpy as np

from edgecnn.quantize.dependency.kept import Kept
from edgecnn.quantize.dependency.rules import couples
from edgecnn.quantize.dependency.site import FIXED, Labels, Site, fixed


def _spell_shape(kept: Kept) -> None:
    value = kept.node.outputs[0]
    if kept.shape(value) != tuple(value.shape or ()):
        kept.set(1, np.asarray(kept.shape(value), np.int64))


@couples("Reshape Expand", rewrite=_spell_shape)
def _reshape_or_expand(site: Site) -> None:
    if site.node.op_type == "Expand":
        _expand(site)
    else:
        _view(site)


@couples("Flatten Unsqueeze")
def _flatten(site: Site) -> None:
    _view(site)


@couples("Squeeze")
def _squeeze(site: Site) -> None:
    if not site.has(1):  # whatever has become 1 would go, too
        site.fix(0)
    _view(site)


@couples("Transpose")
def _transpose(site: Site) -> None:
    labels = site.labels(0)
    order = site.attribute("perm", range(len(labels))[::-1])
    site.give([labels[axis] for axis in order])


def _expand(site: Site) -> None:
    source, sizes = site.labels(0), site.result()
    padded = [fixed(1)] * (len(sizes) - len(source)) + list(source)
    site.give([each if len(each) == size else fixed(size) for each, size in zip(padded, sizes, strict=True)])


def _view(site: Site) -> None:
    labels: list[Labels] = []
    source = site.labels(0)
    for before, after in _blocks(site.shape(0), site.result()):
        flat = _merge(site, [source[axis] for axis in before])
        labels += _split(site, flat, [site.result()[axis] for axis in after], ends=_ends(after, site))
    site.give(labels)


def _ends(after: Sequence[int], site: Site) -> bool:
    """Tell whether a block is (c, h, w) of an (n, c, h, w)."""
    return list(after) == [1, 2, 3] and len(site.result()) == 4


def _blocks(before: Sequence[int], after: Sequence[int]) -> Iterator[tuple[list[int], list[int]]]:
    """Yield the smallest runs of axes that hold the same number of entries before and after."""
    left, right = 0, 0
    while left < len(before) or right < len(after):
        start, begin = left, right
        left, right = min(left + 1, len(before)), min(right + 1, len(after))
        while (one := prod(before[start:left])) != (other := prod(after[begin:right])):
            if one < other and left < len(before):
                left += 1
            elif right < len(after):
                right += 1
            else:
                left += 1
        yield list(range(start, left)), list(range(begin, right))


def _merge(site: Site, parts: Sequence[Labels]) -> Labels:
    """Return one label for each entry of axes that become one."""
    long = [labels for labels in parts if len(labels) > 1 and (labels != FIXED).any()]
    if not long:
        return fixed(prod(map(len, parts)))
    for labels in long[1:]:
        site.tie(labels, FIXED)  # an entry can go by one axis, not by two
    (leading,) = (place for place, labels in enumerate(parts) if labels is long[0])
    sizes = [len(labels) for labels in parts]
    along = [1] * len(parts)
    along[leading] = sizes[leading]
    return np.broadcast_to(long[0].reshape(along), sizes).ravel()


def _split(site: Site, flat: Labels, sizes: Sequence[int], *, ends: bool) -> list[Labels]:
    """Return labels of the axes that one becomes, of which a single one carries them."""
    block = flat.reshape(sizes) if sizes else flat
    labels = [fixed(size) for size in sizes]
    long = [axis for axis, size in enumerate(sizes) if size > 1]
    if not long:
        return labels
    alone = [axis for axis in long if _varies_only_along(block, axis)]
    carrier = alone[0] if alone else (0 if ends else long[-1])
    line = np.moveaxis(block, carrier, 0).reshape(sizes[carrier], -1)
    site.tie(line, line[:, :1])
    labels[carrier] = line[:, 0]
    return labels


def _varies_only_along(block: np.ndarray, axis: int) -> bool:
    line = np.moveaxis(block, axis, 0).reshape(block.shape[axis], -1)
    return bool((line == line[:, :1]).all())
