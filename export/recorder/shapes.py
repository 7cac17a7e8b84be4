"""Shapes of results on the `meta` device, for functions that torch has only as Python decompositions.

Calling one of those makes torch import its compiler, which takes longer than recording any network.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

Shape = Sequence[int]


def on_meta(func: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Tensor:
    """Return an empty result of the right shape; call `func` itself where no rule stands below."""
    rule = _SHAPES.get(func)
    first = args[0][0] if args and isinstance(args[0], (list, tuple)) else args[0] if args else None
    if rule is None or not isinstance(first, Tensor) or not first.is_meta:
        return func(*args, **kwargs)  # type: ignore[no-any-return]
    shape = rule(*args, **kwargs)
    in_place = func.__name__.endswith("_") and not func.__name__.endswith("__")
    if kwargs.get("inplace") or in_place:
        return first
    return first.new_empty(shape)


def _same(tensor: Tensor, *_: Any, **__: Any) -> Shape:
    return tensor.shape


def _broadcast(left: Any, right: Any, **_: Any) -> Shape:
    shapes = [item.shape for item in (left, right) if isinstance(item, Tensor)]
    shape: torch.Size = torch.broadcast_shapes(*shapes)  # type: ignore[no-untyped-call]
    return shape


def _cat(tensors: Sequence[Tensor], dim: int = 0) -> Shape:
    shape = list(tensors[0].shape)
    shape[dim] = sum(tensor.shape[dim] for tensor in tensors)
    return shape


def _linear(tensor: Tensor, weight: Tensor, *_: Any) -> Shape:
    return [*tensor.shape[:-1], weight.shape[0]]


def _global(tensor: Tensor, output_size: Any) -> Shape:
    sizes = [output_size] * 2 if isinstance(output_size, int) else output_size
    kept = (whole if size is None else size for whole, size in zip(tensor.shape[-2:], sizes, strict=True))
    return [*tensor.shape[:-2], *kept]


def _resized(tensor: Tensor, size: Any = None, scale_factor: Any = None, *_: Any, **__: Any) -> Shape:
    axes = tensor.dim() - 2
    if size is not None:
        return [*tensor.shape[:2], *(size if isinstance(size, (tuple, list)) else [size] * axes)]
    factors = scale_factor if isinstance(scale_factor, (tuple, list)) else [scale_factor] * axes
    sizes = zip(tensor.shape[2:], factors, strict=True)
    return [*tensor.shape[:2], *(math.floor(whole * factor) for whole, factor in sizes)]


def _mean(tensor: Tensor, dim: Any = None, keepdim: bool = False, **_: Any) -> Shape:
    axes = range(tensor.dim()) if dim is None else [dim] if isinstance(dim, int) else dim
    gone = {axis % tensor.dim() for axis in axes}
    sizes = enumerate(tensor.shape)
    return [1 if axis in gone else size for axis, size in sizes if keepdim or axis not in gone]


_SHAPES: dict[Any, Callable[..., Shape]] = {
    **dict.fromkeys(
        (F.batch_norm, F.local_response_norm, F.relu, F.relu6, F.hardtanh, torch.relu, Tensor.relu), _same
    ),
    **dict.fromkeys((torch.tanh, Tensor.tanh, F.tanh), _same),
    **dict.fromkeys((torch.add, Tensor.add, Tensor.__add__, Tensor.__radd__), _broadcast),
    **dict.fromkeys((torch.sub, Tensor.sub, Tensor.__sub__, Tensor.__rsub__), _broadcast),
    **dict.fromkeys((torch.mul, Tensor.mul, Tensor.__mul__, Tensor.__rmul__), _broadcast),
    **dict.fromkeys((torch.div, Tensor.div, Tensor.__truediv__), _broadcast),
    **dict.fromkeys((torch.cat, torch.concat, torch.concatenate), _cat),
    F.linear: _linear,
    F.adaptive_avg_pool2d: _global,
    F.interpolate: _resized,
    **dict.fromkeys((torch.square, Tensor.square, torch.pow, Tensor.pow, Tensor.__pow__), _same),
    **dict.fromkeys((torch.mean, Tensor.mean), _mean),
}
