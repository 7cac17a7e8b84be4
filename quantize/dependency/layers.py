"""Layers with weights: what goes in is summed over, what comes out is new.

    Y[o] = Σ_i W[o, i] * X[i]        the labels of W's columns are X's, those of its rows are Y's

In a layer of g groups, with c_in / g inputs and c_out / g outputs in each, the same place of every group is
removed; where a group has one input or one output, as in a depthwise convolution, the group goes as a whole.
"""

import numpy as np

from edgecnn.quantize.dependency.kept import Kept
from edgecnn.quantize.dependency.rules import couples
from edgecnn.quantize.dependency.site import FIXED, Labels, Site, fixed


def _fewer_groups(kept: Kept) -> None:
    """Drop the groups that went as a whole."""
    groups = kept.attribute("group", 1)
    source, weight = kept.node.inputs[0], kept.node.inputs[1]
    mask = kept.mask(source, 1).reshape(groups, -1)
    if groups > 1 and mask.any(axis=1).sum() < groups:
        kept.set_attribute("group", int(mask.any(axis=1).sum()))
    assert weight is not None


@couples("Conv", rewrite=_fewer_groups)
def _conv(site: Site) -> None:
    rows, columns = _grouped(site, out_axis=0, in_axis=1)
    site.bind(1, 0, rows)
    site.bind(1, 1, columns)
    _finish(site, rows)


@couples("ConvTranspose", rewrite=_fewer_groups)
def _conv_transpose(site: Site) -> None:
    groups = site.attribute("group", 1)
    c_in, c_out = site.shape(0)[1], site.shape(1)[1] * groups
    if groups == 1:
        site.bind(1, 0, site.along(0, 1))
        rows = site.along(1, 1)
    elif min(c_in, c_out) == groups:
        rows = _whole_groups(site, groups, c_out)
        site.bind(1, 0, site.along(0, 1))
        site.bind(1, 1, FIXED)
    else:
        _same_places(site, groups)
        site.bind(1, 0, site.along(0, 1))
        rows = np.tile(site.along(1, 1), groups)
    _finish(site, rows)


def _grouped(site: Site, *, out_axis: int, in_axis: int) -> tuple[Labels, Labels]:
    """Return the labels of a convolution's outputs, and of its weight's columns."""
    groups, c_in, c_out = site.attribute("group", 1), site.shape(0)[1], site.shape(1)[out_axis]
    if groups == 1:
        return site.along(1, out_axis), site.along(0, 1)
    if min(c_in, c_out) == groups:
        return _whole_groups(site, groups, c_out), fixed(site.shape(1)[in_axis])
    columns = _same_places(site, groups)
    rows = site.along(1, out_axis).reshape(groups, -1)
    site.tie(rows, rows[:1])
    return rows.ravel(), columns


def _whole_groups(site: Site, groups: int, c_out: int) -> Labels:
    """Tie the inputs of each group, and return one label for all outputs of each."""
    inputs = site.along(0, 1).reshape(groups, -1)
    site.tie(inputs, inputs[:, :1])
    return np.repeat(inputs[:, 0], c_out // groups)


def _same_places(site: Site, groups: int) -> Labels:
    """Tie the inputs at the same place of all groups, and return the labels of one group."""
    inputs = site.along(0, 1).reshape(groups, -1)
    site.tie(inputs, inputs[:1])
    return np.asarray(inputs[0])


def _finish(site: Site, rows: Labels) -> None:
    site.fix(0, [0, *range(2, len(site.shape(0)))])
    site.fix(1, range(2, len(site.shape(1))))
    if site.has(2):
        site.bind(2, 0, rows)
    sizes = site.result()
    site.give([fixed(sizes[0]), rows, *map(fixed, sizes[2:])])


@couples("Gemm")
def _gemm(site: Site) -> None:
    row, inner = (1, 0) if site.attribute("transA", 0) else (0, 1)
    column, summed = (0, 1) if site.attribute("transB", 0) else (1, 0)
    site.bind(1, summed, site.along(0, inner))
    labels = (site.along(0, row), site.along(1, column))
    if site.has(2):
        for axis, size in enumerate(site.shape(2)[::-1], start=1):
            site.bind(2, len(site.shape(2)) - axis, labels[-axis] if size > 1 else FIXED)
    site.give(labels)


@couples("MatMul")
def _matmul(site: Site) -> None:
    left, right = len(site.shape(0)), len(site.shape(1))
    if min(left, right) < 2:
        raise site.refuse(f"multiplies {site.shape(0)} by {site.shape(1)}; both need two axes")
    site.bind(1, right - 2, site.along(0, left - 1))
    sizes = site.result()
    labels = [_batch(site, axis - len(sizes), size) for axis, size in enumerate(sizes[:-2])]
    site.give([*labels, site.along(0, left - 2), site.along(1, right - 1)])


def _batch(site: Site, axis: int, size: int) -> Labels:
    """Tie the two operands along an axis of matrices, counted from the last."""
    full = [index for index in (0, 1) if len(site.shape(index)) >= -axis and site.shape(index)[axis] == size]
    labels = site.along(full[0], len(site.shape(full[0])) + axis)
    for index in full[1:]:
        site.bind(index, len(site.shape(index)) + axis, labels)
    return labels
