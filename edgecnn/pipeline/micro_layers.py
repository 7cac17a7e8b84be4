"""What micro-networks are made of: a few modules, and extents and channels drawn from a seed."""

import math
import random

import torch
from torch import Tensor, nn

MOST_MULT_ADDS = 8e8  # of one network
_PLAIN_CHANNELS = (3, 7, 10, 20, 27, 50, 100)  # that no lane divides


class Residual(nn.Module):
    """x + body(x)."""

    def __init__(self, *body: nn.Module) -> None:
        super().__init__()
        self.body = nn.Sequential(*body)

    def forward(self, x: Tensor) -> Tensor:
        """Return the sum."""
        summed: Tensor = x + self.body(x)
        return summed


class Beside(nn.Module):
    """The outputs of several branches, joined along the channels."""

    def __init__(self, *branches: nn.Module) -> None:
        super().__init__()
        self.branches = nn.ModuleList(branches)

    def forward(self, x: Tensor) -> Tensor:
        """Return the joined maps."""
        return torch.cat([branch(x) for branch in self.branches], 1)


class Crop(nn.Module):
    """The map without a margin of one pixel, then padded with zeros to its size."""

    def forward(self, x: Tensor) -> Tensor:
        """Return a map of the same shape."""
        return nn.functional.pad(x[:, :, 1:-1, 1:-1], (1, 1, 1, 1))


class Scale(nn.Module):
    """The map times a number, less another."""

    def forward(self, x: Tensor) -> Tensor:
        """Return a map of the same shape."""
        return x * 0.7 - 0.1


class Shortcut(nn.Module):
    """Every other position, and zeros for as many channels again: a residual's shortcut without weights."""

    def forward(self, x: Tensor) -> Tensor:
        """Return a map of half the size and twice the channels."""
        channels = x.shape[1]
        return nn.functional.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, channels // 2, channels - channels // 2))


class Draw:
    """Random extents, the same for a seed."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311  a spread, not a secret

    def between(self, least: float, most: float) -> int:
        """Return a whole number, even on a logarithmic scale."""
        return round(math.exp(self._random.uniform(math.log(least), math.log(most))))

    def channels(self, least: int, most: int) -> int:
        """Return a number of channels: most a multiple of 8, some of none."""
        if self._random.random() < 0.15:
            return self._random.choice([each for each in _PLAIN_CHANNELS if least <= each <= most] or [least])
        return max(8, round(self.between(least, most) / 8) * 8)

    def one(self, *choices: int) -> int:
        """Return one of these."""
        return self._random.choice(choices)

    def chance(self, share: float) -> bool:
        """Return true in so many cases."""
        return self._random.random() < share


def conv(c_in: int, c_out: int, kernel: int, stride: int = 1, groups: int = 1) -> nn.Sequential:
    """Return a convolution of the same size with its activation."""
    return nn.Sequential(nn.Conv2d(c_in, c_out, kernel, stride, kernel // 2, groups=groups), nn.ReLU())


def norm(channels: int) -> nn.Module:
    """Return a normalization that is no identity and can be folded into nothing before it."""
    made = nn.BatchNorm2d(channels)
    nn.init.uniform_(made.weight, 0.5, 1.5)
    nn.init.uniform_(made.bias, -0.5, 0.5)
    return made


def first_layer(kernel: int, stride: int, channels: int) -> nn.Module:
    """Return a first convolution, of as many input channels as come, with its activation."""
    return nn.Sequential(nn.LazyConv2d(channels, kernel, stride, kernel // 2), nn.ReLU())
