"""Activations, and dropout, which is nothing in evaluation mode."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from edgecnn.export.recorder.recording import Recording


def _plain(operator: str) -> Callable[..., None]:
    def emit(recording: Recording, result: Tensor, input: Tensor, *_: Any, **__: Any) -> None:  # noqa: A002
        recording.emit(operator, result, [input])

    return emit


def _clip(recording: Recording, result: Tensor, tensor: Tensor, low: float, high: float) -> None:
    bounds = [
        recording.constant(hint, np.asarray(bound, np.float32))
        for hint, bound in (("min", low), ("max", high))
    ]
    recording.emit("Clip", result, [tensor, *bounds])


def _hardtanh(
    recording: Recording,
    result: Tensor,
    input: Tensor,  # noqa: A002  torch's name
    min_val: float = -1.0,
    max_val: float = 1.0,
    inplace: bool = False,  # noqa: ARG001
) -> None:
    _clip(recording, result, input, min_val, max_val)


def _relu6(recording: Recording, result: Tensor, input: Tensor, inplace: bool = False) -> None:  # noqa: A002, ARG001
    _clip(recording, result, input, 0.0, 6.0)


def _softmax(
    recording: Recording,
    result: Tensor,
    input: Tensor,  # noqa: A002  torch's name
    dim: int,
    *_: Any,
    **__: Any,
) -> None:
    recording.emit("Softmax", result, [input], {"axis": dim % input.dim()})


def _nothing(recording: Recording, result: Tensor, input: Tensor, *_: Any, **__: Any) -> None:  # noqa: A002
    value = recording.value(input)
    if value is not None and result is not input:
        recording.bind(result, value)


FUNCTIONS: dict[Any, Callable[..., None]] = {
    **dict.fromkeys((F.relu, torch.relu, torch.relu_, Tensor.relu, Tensor.relu_, F.relu_), _plain("Relu")),
    **dict.fromkeys((torch.sigmoid, Tensor.sigmoid, F.sigmoid), _plain("Sigmoid")),
    **dict.fromkeys((torch.tanh, Tensor.tanh, F.tanh), _plain("Tanh")),
    F.relu6: _relu6,
    F.hardtanh: _hardtanh,
    **dict.fromkeys((F.softmax, torch.softmax, Tensor.softmax), _softmax),
    **dict.fromkeys((F.dropout, F.dropout2d, Tensor.contiguous, Tensor.detach), _nothing),
}
