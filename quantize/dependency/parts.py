"""Operators that join, cut out or repeat parts of an axis: their labels likewise."""

import numpy as np

from edgecnn.quantize.dependency.kept import Kept
from edgecnn.quantize.dependency.rules import couples
from edgecnn.quantize.dependency.site import Labels, Site, fixed


@couples("Concat")
def _concat(site: Site) -> None:
    joined = site.axis(site.attribute("axis"))
    given = range(len(site.node.inputs))
    labels = list(site.labels(0))
    for index in given[1:]:
        for axis in range(len(labels)):
            if axis != joined:
                site.bind(index, axis, labels[axis])
    labels[joined] = np.concatenate([site.along(index, joined) for index in given])
    site.give(labels)


def _spell_parts(kept: Kept) -> None:
    axis = kept.attribute("axis", 0)
    axis %= len(kept.node.outputs[0].shape or ())
    sizes = [kept.size(value, axis) for value in kept.node.outputs]
    if kept.setting(1) is not None or len(set(sizes)) > 1:
        kept.set(1, np.asarray(sizes, np.int64))


@couples("Split", rewrite=_spell_parts)
def _split(site: Site) -> None:
    axis, start = site.axis(site.attribute("axis", 0)), 0
    for index in range(len(site.node.outputs)):
        labels = list(site.labels(0))
        size = site.result(index)[axis]
        labels[axis] = labels[axis][start : start + size]
        start += size
        site.give(labels, index)


def _spell_ends(kept: Kept) -> None:
    starts, ends = (kept.integers(index) for index in (1, 2))
    axes = _slice_axes(kept.setting(3), len(starts))
    source = kept.node.inputs[0]
    assert source is not None
    for place, axis in enumerate(axes):
        mask = kept.mask(source, int(axis) % len(source.shape or ()))
        if not mask.all():  # then the step is 1: see the rule
            begin, end, _ = slice(int(starts[place]), int(ends[place])).indices(len(mask))
            starts[place], ends[place] = mask[:begin].sum(), mask[:end].sum()
    kept.set(1, starts)
    kept.set(2, ends)


def _slice_axes(given: np.ndarray | None, count: int) -> list[int]:
    return list(range(count)) if given is None else [int(axis) for axis in np.ravel(given)]


@couples("Slice", rewrite=_spell_ends)
def _slice(site: Site) -> None:
    starts, ends = (np.ravel(site.constant(index)) for index in (1, 2))
    axes = _slice_axes(site.constant(3) if site.has(3) else None, len(starts))
    steps = np.ravel(site.constant(4)) if site.has(4) else np.ones(len(starts), np.int64)
    labels = list(site.labels(0))
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        along = site.axis(axis)
        cut = slice(int(start), _end(int(end), int(step)), int(step))
        if step != 1:
            site.fix(0, [along])  # every second of fewer would be others
        labels[along] = labels[along][cut]
    site.give(labels)


def _end(end: int, step: int) -> int | None:
    """Return the end as Python means it: ONNX writes a very small number for `to the first, backwards`."""
    return None if step < 0 and end < -(2**31) else end


def _spell_pads(kept: Kept) -> None:
    pads = kept.integers(1)
    rank = len(pads) // 2
    result = kept.node.outputs[0]
    for axis in range(rank):
        mask = kept.mask(result, axis)
        if pads[axis] > 0:
            pads[axis] = mask[: int(pads[axis])].sum()
        if pads[axis + rank] > 0:
            pads[axis + rank] = mask[len(mask) - int(pads[axis + rank]) :].sum()
    kept.set(1, pads)


@couples("Pad", rewrite=_spell_pads)
def _pad(site: Site) -> None:
    pads = [int(item) for item in np.ravel(site.constant(1))]
    labels, rank = list(site.labels(0)), len(pads) // 2
    mode = site.attribute("mode", "constant")
    for axis in range(rank):
        before, after = pads[axis], pads[axis + rank]
        if min(before, after) < 0 or (max(before, after) > 0 and (axis > 1 or mode != "constant")):
            site.fix(0, [axis])
        if min(before, after) < 0:
            inner = labels[axis][max(-before, 0) : len(labels[axis]) - max(-after, 0)]
            labels[axis] = np.concatenate([fixed(max(before, 0)), inner, fixed(max(after, 0))])
        elif axis == 1 and mode == "constant":
            # Channels of one constant each: shortcut A. The new ones can go as any other.
            ends = [site.new(before), site.new(after)]
            for each in ends:
                site.block(each)
            labels[axis] = np.concatenate([ends[0], labels[axis], ends[1]])
        else:
            labels[axis] = np.concatenate([fixed(before), labels[axis], fixed(after)])
    site.give(labels)


def _renumber(kept: Kept) -> None:
    source = kept.node.inputs[0]
    assert source is not None
    axis = kept.attribute("axis", 0) % len(source.shape or ())
    mask, chosen = kept.mask(source, axis), kept.setting(1)
    assert chosen is not None
    if not mask.all():
        places = np.cumsum(mask) - 1
        kept.set(1, places[chosen[mask[chosen]]].astype(chosen.dtype))


@couples("Gather", rewrite=_renumber)
def _gather(site: Site) -> None:
    """Take the labels of the chosen indices; one index alone drops its axis, which then stays whole."""
    axis, chosen = site.axis(site.attribute("axis", 0)), site.constant(1)
    if chosen.ndim != 1:
        site.fix(0, [axis])
    source = site.labels(0)
    taken: list[Labels] = [source[axis][chosen]] if chosen.ndim == 1 else [fixed(n) for n in chosen.shape]
    site.give([*source[:axis], *taken, *source[axis + 1 :]])


@couples("Tile")
def _tile(site: Site) -> None:
    repeats = np.ravel(site.constant(1))
    site.give([np.tile(each, int(n)) for each, n in zip(site.labels(0), repeats, strict=True)])


def _spell_sizes(kept: Kept) -> None:
    if len(kept.node.inputs) > 3 and kept.setting(3) is not None:
        kept.set(3, np.asarray(kept.shape(kept.node.outputs[0]), np.int64))


@couples("Resize", rewrite=_spell_sizes)
def _resize(site: Site) -> None:
    sizes, source = site.result(), site.labels(0)
    for axis, size in enumerate(sizes):
        if size != len(source[axis]) or axis > 1:
            site.fix(0, [axis])
    site.give([each if len(each) == size else fixed(size) for each, size in zip(source, sizes, strict=True)])


@couples("DepthToSpace")
def _depth_to_space(site: Site) -> None:
    block, sizes = site.attribute("blocksize"), site.result()
    channels = site.along(0, 1)
    crd = site.attribute("mode", "DCR") == "CRD"
    parts = channels.reshape(sizes[1], -1) if crd else channels.reshape(block**2, sizes[1]).T
    site.tie(parts, parts[:, :1])
    site.give([site.along(0, 0), parts[:, 0], fixed(sizes[2]), fixed(sizes[3])])


@couples("SpaceToDepth")
def _space_to_depth(site: Site) -> None:
    site.fix(0, (2, 3))
    sizes = site.result()
    channels = np.tile(site.along(0, 1), site.attribute("blocksize") ** 2)
    site.give([site.along(0, 0), channels, fixed(sizes[2]), fixed(sizes[3])])
