"""The shortcuts of residual networks: options A, B and C of He et al. 2015, §3.3 and §4.1, or none.

A     identity; where the shape changes, every second pixel, with zeros for the new channels
B     identity; where the shape changes, a 1x1 convolution with BatchNorm
C     a 1x1 convolution with BatchNorm in every block
none  the plain network, with which the paper compares
"""

from typing import Literal

import torch.nn.functional as F
from torch import Tensor, nn

Option = Literal["A", "B", "C", "none"]


class SummedNorm(nn.BatchNorm2d):
    """The BatchNorm at the end of a block, whose output is added to the shortcut's.

    Where random weights are shifted so that ReLUs stay open, this one is not: its shift would add up from
    block to block, until rounding it outweighs the signal.
    """


class Subsample(nn.Module):
    """Option A where the shape changes: it has no parameters, half of the zeros stand on each side."""

    def __init__(self, c_in: int, c_out: int, stride: int) -> None:
        super().__init__()
        self.stride = stride
        before = (c_out - c_in) // 2
        self.channels = (before, c_out - c_in - before)

    def forward(self, x: Tensor) -> Tensor:
        """(n, c_in, h, w) → (n, c_out, h / stride, w / stride)."""
        if self.stride > 1:
            x = x[:, :, :: self.stride, :: self.stride]
        return F.pad(x, (0, 0, 0, 0, *self.channels)) if any(self.channels) else x


def shortcut(option: Option, c_in: int, c_out: int, stride: int) -> nn.Module | None:
    """Return what the input goes through beside a block's convolutions, or None where nothing is added."""
    if option == "none":
        return None
    if option != "C" and stride == 1 and c_in == c_out:
        return nn.Identity()
    if option == "A":
        return Subsample(c_in, c_out, stride)
    return nn.Sequential(nn.Conv2d(c_in, c_out, 1, stride, bias=False), nn.BatchNorm2d(c_out))


def last_norm(option: Option, channels: int) -> nn.BatchNorm2d:
    """Return the BatchNorm at the end of a block."""
    return nn.BatchNorm2d(channels) if option == "none" else SummedNorm(channels)
