"""Up- and down-sampling."""

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx_ir as ir
import torch.nn.functional as F
from torch import Tensor

from edgecnn.errors import EdgeCnnError
from edgecnn.export.recorder.recording import Recording

# (torch's mode, align_corners) → ONNX's attributes. With half pixels torch's `nearest` reads where
# asymmetric coordinates are rounded down.
_MODES = {
    ("nearest", False): {
        "mode": "nearest",
        "coordinate_transformation_mode": "asymmetric",
        "nearest_mode": "floor",
    },
    ("bilinear", False): {"mode": "linear", "coordinate_transformation_mode": "half_pixel"},
    ("bilinear", True): {"mode": "linear", "coordinate_transformation_mode": "align_corners"},
}


def _interpolate(
    recording: Recording,
    result: Tensor,
    input: Tensor,  # noqa: A002  torch's name
    size: Any = None,
    scale_factor: Any = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,  # noqa: ARG001  the sizes say what came of it
    antialias: bool = False,
) -> None:
    attributes = _MODES.get((mode, bool(align_corners)))
    if attributes is None or antialias:
        raise EdgeCnnError(
            f"{recording.path}: interpolation by {mode} cannot be exported; use nearest or bilinear"
        )
    if size is None and any(whole != int(whole) for whole in _factors(scale_factor)):
        raise EdgeCnnError(
            f"{recording.path}: interpolation by a factor of {scale_factor}; give size instead"
        )
    sizes = recording.constant("sizes", np.asarray(result.shape, np.int64))
    inputs: list[ir.Value | Tensor | None] = [input, None, None, sizes]  # no region, no scales
    recording.emit("Resize", result, inputs, attributes)


def _factors(scale_factor: Any) -> list[float]:
    return list(scale_factor) if isinstance(scale_factor, (tuple, list)) else [float(scale_factor)]


FUNCTIONS: dict[Any, Callable[..., None]] = {F.interpolate: _interpolate}
