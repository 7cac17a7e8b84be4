"""Flattening and reshaping."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from edgecnn.export.recorder.recording import Recording


def _flatten(
    recording: Recording,
    result: Tensor,
    input: Tensor,  # noqa: A002  torch's name
    start_dim: int = 0,
    end_dim: int = -1,
) -> None:
    if start_dim % input.dim() == 1 and end_dim % input.dim() == input.dim() - 1:
        recording.emit("Flatten", result, [input], {"axis": 1})
    else:
        _reshape(recording, result, input)


def _reshape(recording: Recording, result: Tensor, input: Tensor, *_: Any, **__: Any) -> None:  # noqa: A002
    same_batch = result.dim() == 2 and result.shape[0] == input.shape[0]
    if same_batch and input.dim() > 2:
        recording.emit("Flatten", result, [input], {"axis": 1})
        return
    shape = recording.constant("shape", np.asarray(result.shape, dtype=np.int64))
    recording.emit("Reshape", result, [input, shape])


FUNCTIONS: dict[Any, Callable[..., None]] = {
    **dict.fromkeys((torch.flatten, Tensor.flatten), _flatten),
    **dict.fromkeys(
        (torch.reshape, Tensor.reshape, Tensor.view, Tensor.unflatten, torch.squeeze, Tensor.squeeze),
        _reshape,
    ),
}
