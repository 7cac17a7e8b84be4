"""The other normalization of pixels that weights from TensorFlow want.

(p - mean) / std   →   (p - 0.5) / 0.5,    mean and std ImageNet's, p from 0 to 1
"""

import torch
from torch import Tensor, nn

from edgecnn.errors import EdgeCnnError
from edgecnn.spec import ModelSpec

_MEAN = (0.485, 0.456, 0.406)
_STD = (0.229, 0.224, 0.225)
_CENTRE = 0.5


class InputTransform(nn.Module):
    """One scale and one shift for each colour; not trained, and not part of the weights."""

    scale: Tensor
    shift: Tensor

    def __init__(self) -> None:
        super().__init__()
        mean, std = (torch.tensor(values).reshape(3, 1, 1) for values in (_MEAN, _STD))
        self.register_buffer("scale", std / _CENTRE, persistent=False)
        self.register_buffer("shift", (mean - _CENTRE) / _CENTRE, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """(n, 3, h, w) → the same shape."""
        return x * self.scale + self.shift


def check_colours(spec: ModelSpec) -> None:
    """Raise where the transform is asked for and the input has no three colours."""
    if spec.options.get("transform_input") and spec.in_channels != len(_MEAN):
        raise EdgeCnnError(
            f"{spec.arch}: transform_input is for 3 colours, and in_channels is {spec.in_channels}"
        )
