"""Pooling: windows, and global averages as `GlobalAveragePool`."""

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from edgecnn.errors import EdgeCnnError
from edgecnn.export.recorder.convolution import pair
from edgecnn.export.recorder.recording import Recording


def _window(kernel: Any, stride: Any, padding: Any, ceil_mode: bool) -> dict[str, Any]:
    return {
        "kernel_shape": pair(kernel),
        "strides": pair(kernel if stride is None or stride == [] else stride),
        "pads": pair(padding) * 2,
        "ceil_mode": int(ceil_mode),
    }


def _max_pool2d(
    recording: Recording,
    result: Tensor,
    input: Tensor,  # noqa: A002  torch's name
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> None:
    if return_indices:
        raise EdgeCnnError(f"{recording.path}: max pooling that returns its indices cannot be exported")
    attributes = _window(kernel_size, stride, padding, ceil_mode) | {"dilations": pair(dilation)}
    recording.emit("MaxPool", result, [input], attributes)


def _avg_pool2d(
    recording: Recording,
    result: Tensor,
    input: Tensor,  # noqa: A002  torch's name
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> None:
    if divisor_override is not None:
        raise EdgeCnnError(f"{recording.path}: average pooling with divisor_override cannot be exported")
    window = _window(kernel_size, stride, padding, ceil_mode)
    # Without padding there is nothing to count; saying so keeps the node plain.
    counted = int(count_include_pad and any(window["pads"]))
    recording.emit("AveragePool", result, [input], window | {"count_include_pad": counted})


def _adaptive_avg_pool2d(recording: Recording, result: Tensor, input: Tensor, *_: Any, **__: Any) -> None:  # noqa: A002
    if list(result.shape[2:]) == [1, 1]:
        recording.emit("GlobalAveragePool", result, [input])
        return
    sizes = list(zip(input.shape[2:], result.shape[2:], strict=True))
    if any(whole % parts for whole, parts in sizes):
        raise EdgeCnnError(
            f"{recording.path}: adaptive pooling from {tuple(input.shape[2:])} to {tuple(result.shape[2:])}"
            " has windows of unequal sizes, which ONNX cannot express"
        )
    kernel = [whole // parts for whole, parts in sizes]
    recording.emit("AveragePool", result, [input], _window(kernel, None, 0, False) | {"count_include_pad": 0})


def _mean(
    recording: Recording,
    result: Tensor,
    input: Tensor,  # noqa: A002  torch's name
    dim: Any = None,
    keepdim: bool = False,
    *_: Any,
    **__: Any,
) -> None:
    axes = (
        list(range(input.dim())) if dim is None else sorted(axis % input.dim() for axis in pair_or_one(dim))
    )
    if input.dim() == 4 and axes == [2, 3] and keepdim:
        recording.emit("GlobalAveragePool", result, [input])
    else:
        recording.emit("ReduceMean", result, [input], {"axes": axes, "keepdims": int(keepdim)})


def pair_or_one(dim: int | list[int] | tuple[int, ...]) -> list[int]:
    """Return the axes of a torch `dim` argument as a list."""
    return [dim] if isinstance(dim, int) else list(dim)


FUNCTIONS: dict[Any, Callable[..., None]] = {
    **dict.fromkeys((F.max_pool2d, torch.max_pool2d), _max_pool2d),
    F.avg_pool2d: _avg_pool2d,
    F.adaptive_avg_pool2d: _adaptive_avg_pool2d,
    **dict.fromkeys((torch.mean, Tensor.mean), _mean),
}
