"""Batch normalization and local response normalization."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch.nn.functional as F
from torch import Tensor

from edgecnn.errors import EdgeCnnError
from edgecnn.export.recorder.recording import Recording

_MOMENTUM = 0.1  # torch's default, which ONNX's says by 0.9


def _batch_norm(
    recording: Recording,
    result: Tensor,
    input: Tensor,  # noqa: A002  torch's name
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float = _MOMENTUM,
    eps: float = 1e-5,
) -> None:
    if training or running_mean is None or running_var is None:
        raise EdgeCnnError(f"{recording.path}: BatchNorm without running statistics cannot be exported")
    channels = input.shape[1]
    # Without affine parameters scale and shift are constants, which nobody trained.
    scale = recording.constant("scale", np.ones(channels, np.float32)) if weight is None else weight
    shift = recording.constant("shift", np.zeros(channels, np.float32)) if bias is None else bias
    inputs = [input, scale, shift, running_mean, running_var]
    attributes = {"epsilon": float(eps)}
    if momentum not in (_MOMENTUM, 0.0):  # 0 stands for an average over all batches, which ONNX lacks
        attributes["momentum"] = round(
            1.0 - momentum, 7
        )  # of the old statistics, where torch's is of the new
    recording.emit("BatchNormalization", result, inputs, attributes)


def _local_response_norm(
    recording: Recording,
    result: Tensor,
    input: Tensor,  # noqa: A002  torch's name
    size: int,
    alpha: float = 1e-4,
    beta: float = 0.75,
    k: float = 1.0,
) -> None:
    if size % 2 == 0:
        raise EdgeCnnError(f"{recording.path}: LRN over {size} channels; torch and ONNX differ where even")
    attributes = {"size": size, "alpha": float(alpha), "beta": float(beta), "bias": float(k)}
    recording.emit("LRN", result, [input], attributes)


FUNCTIONS: dict[Any, Callable[..., None]] = {
    F.batch_norm: _batch_norm,
    F.local_response_norm: _local_response_norm,
}
