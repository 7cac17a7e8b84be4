"""Convolutions and fully connected layers."""

from collections.abc import Callable, Sequence
from typing import Any

import torch.nn.functional as F
from torch import Tensor

from edgecnn.errors import EdgeCnnError
from edgecnn.export.recorder.recording import Recording


def pair(value: int | Sequence[int]) -> list[int]:
    """Return the two spatial numbers of a torch argument."""
    values = [value] if isinstance(value, int) else list(value)
    return [int(item) for item in (values * 2 if len(values) == 1 else values)]


def _conv2d(
    recording: Recording,
    result: Tensor,
    input: Tensor,  # noqa: A002  torch's name
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> None:
    kernel, dilations = list(weight.shape[2:]), pair(dilation)
    attributes = {
        "kernel_shape": kernel,
        "strides": pair(stride),
        "pads": _pads(padding, kernel, dilations),
        "dilations": dilations,
        "group": groups,
    }
    recording.emit("Conv", result, _with_bias(input, weight, bias), attributes)


def _conv_transpose2d(
    recording: Recording,
    result: Tensor,
    input: Tensor,  # noqa: A002  torch's name
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: int = 1,
    dilation: Any = 1,
) -> None:
    attributes = {
        "kernel_shape": list(weight.shape[2:]),
        "strides": pair(stride),
        "pads": pair(padding) * 2,
        "output_padding": pair(output_padding),
        "dilations": pair(dilation),
        "group": groups,
    }
    recording.emit("ConvTranspose", result, _with_bias(input, weight, bias), attributes)


def _linear(
    recording: Recording,
    result: Tensor,
    input: Tensor,  # noqa: A002  torch's name
    weight: Tensor,
    bias: Tensor | None = None,
) -> None:
    if input.dim() != 2:
        raise EdgeCnnError(
            f"{recording.path}: a linear layer on {input.dim()} dimensions; flatten to (n, features) first"
        )
    recording.emit("Gemm", result, _with_bias(input, weight, bias), {"transB": 1})


def _with_bias(*tensors: Tensor | None) -> list[Tensor]:
    return [tensor for tensor in tensors if tensor is not None]


def _pads(padding: Any, kernel: list[int], dilations: list[int]) -> list[int]:
    if padding == "valid":
        return [0, 0, 0, 0]
    if padding == "same":  # torch puts the odd one at the end
        total = [(k - 1) * d for k, d in zip(kernel, dilations, strict=True)]
        begin = [size // 2 for size in total]
        return [*begin, *(size - half for size, half in zip(total, begin, strict=True))]
    return pair(padding) * 2


FUNCTIONS: dict[Any, Callable[..., None]] = {
    F.conv2d: _conv2d,
    F.conv_transpose2d: _conv_transpose2d,
    F.linear: _linear,
}
