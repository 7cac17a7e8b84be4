"""Reductions over axes, none of which is that of the images."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from edgecnn.trainable.batch import first_input
from edgecnn.trainable.operators import Function, runs
from edgecnn.trainable.site import Site

Axes = tuple[int, ...]


def _prod(x: Tensor, axes: Axes, keepdim: bool) -> Tensor:
    for axis in sorted(axes, reverse=True):
        x = x.prod(axis, keepdim=keepdim)
    return x


_REDUCTIONS: dict[str, Callable[[Tensor, Axes, bool], Tensor]] = {
    "ReduceL1": lambda x, axes, keepdim: x.abs().sum(axes, keepdim),
    "ReduceL2": lambda x, axes, keepdim: torch.linalg.vector_norm(x, 2, axes, keepdim),
    "ReduceLogSum": lambda x, axes, keepdim: x.sum(axes, keepdim).log(),
    "ReduceLogSumExp": torch.logsumexp,
    "ReduceMax": torch.amax,
    "ReduceMean": lambda x, axes, keepdim: x.mean(axes, keepdim),
    "ReduceMin": torch.amin,
    "ReduceProd": _prod,
    "ReduceSum": lambda x, axes, keepdim: x.sum(axes, keepdim),
    "ReduceSumSquare": lambda x, axes, keepdim: x.square().sum(axes, keepdim),
}


def _axes(site: Site) -> Axes:
    listed: Any = site.integers(1) if site.node.op_type == "ReduceSum" else site.attribute("axes")
    if not listed:
        return () if site.attribute("noop_with_empty_axes", 0) else tuple(range(site.rank(0)))
    return tuple(sorted(site.axis(axis) for axis in listed))


def _reduced(site: Site) -> int:
    batch, axes = first_input(site), _axes(site)
    if batch in axes:
        raise site.refuse(f"reduces along axis {batch}, the axis of the images")
    return batch if site.attribute("keepdims", 1) else batch - sum(axis < batch for axis in axes)


@runs(" ".join(_REDUCTIONS), batch=_reduced, attributes="axes keepdims noop_with_empty_axes")
def _reduce(site: Site) -> Function:
    function, axes, keepdim = _REDUCTIONS[site.node.op_type], _axes(site), bool(site.attribute("keepdims", 1))
    if not axes:  # torch would take none for all
        return lambda x: x
    return lambda x: function(x, axes, keepdim)


def _chosen(site: Site) -> int:
    batch, axis = first_input(site), site.axis(site.attribute("axis", 0))
    if axis == batch:
        raise site.refuse(f"chooses along axis {axis}, the axis of the images")
    return batch if site.attribute("keepdims", 1) else batch - (axis < batch)


@runs("ArgMax ArgMin", batch=_chosen, attributes="axis keepdims")
def _argument(site: Site) -> Function:
    function = {"ArgMax": torch.argmax, "ArgMin": torch.argmin}[site.node.op_type]
    axis, keepdim = site.axis(site.attribute("axis", 0)), bool(site.attribute("keepdims", 1))
    return lambda x: function(x, axis, keepdim)
