"""Micro-networks of several kinds of layers, which show what a layer costs between others."""

import math
from dataclasses import dataclass

from torch import nn

from edgecnn.pipeline.micro_layers import MOST_MULT_ADDS, Beside, Draw, Residual, conv, first_layer, norm

_MOST_BLOCKS, _SMALLEST_POOLED = 24, 4
STACKS, WIDE_STACKS = 80, 24


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How large stacks are.

    Attributes:
        least_mult_adds: of a stack; how many it gets is drawn.
        most_mult_adds: likewise.
        sizes: extents of its input.
        narrower: how much narrower than the block before a block may be.
        most_channels: of a block; twice as many where they are 1x1 after a depthwise convolution.
        enough_weights: no block is added to a stack that has so many.
    """

    least_mult_adds: float = 5e6
    most_mult_adds: float = MOST_MULT_ADDS
    sizes: tuple[int, ...] = (32, 32, 48, 64, 96, 112, 128, 160, 224)
    narrower: float = 0.5
    most_channels: int = 512
    enough_weights: float = math.inf


_WIDE = Limits(least_mult_adds=1e8, sizes=(48, 64, 96, 112), most_channels=2048, enough_weights=2e7)


class Stack:
    """A stack that grows block by block, as long as there is work to give away."""

    def __init__(self, draw: Draw, limits: Limits) -> None:
        self.draw, self.limits = draw, limits
        self.size = draw.one(*limits.sizes)
        self.shape = (1, 3, self.size, self.size)
        self.channels = 3
        self.left = draw.between(limits.least_mult_adds, limits.most_mult_adds)
        self.weights = 0.0
        self.modules: list[nn.Module] = []

    def add(self, module: nn.Module, channels: int, work: float, stride: int = 1) -> None:
        """Append a block; `work` is its mult-adds at one position, which its weights are, too."""
        self.modules.append(module)
        self.left -= int(work * (self.size / stride) ** 2)
        self.weights += work
        self.channels, self.size = channels, -(-self.size // stride)

    def wider(self, times: int = 1) -> int:
        """Return a number of channels for the next block, at most so many times what the limits say."""
        least = max(8, int(self.channels * self.limits.narrower))
        return min(self.draw.channels(least, max(16, self.channels * 2)), times * self.limits.most_channels)

    def full(self) -> bool:
        """Tell whether no further block has room."""
        few = self.left > 0 and self.weights < self.limits.enough_weights
        return not few or len(self.modules) >= _MOST_BLOCKS


def _plain(stack: Stack) -> None:
    kernel, stride, wide = stack.draw.one(1, 3, 3, 5), stack.draw.one(1, 1, 2), stack.wider()
    stack.add(conv(stack.channels, wide, kernel, stride), wide, stack.channels * wide * kernel**2, stride)


def _separable(stack: Stack) -> None:
    stride, wide, channels = stack.draw.one(1, 1, 2), stack.wider(2), stack.channels
    module = nn.Sequential(conv(channels, channels, 3, stride, channels), conv(channels, wide, 1))
    stack.add(module, wide, channels * (9 + wide), stride)


def _bottleneck(stack: Stack) -> None:
    narrow, channels = max(8, stack.channels // 4), stack.channels
    body = (conv(channels, narrow, 1), conv(narrow, narrow, 3), nn.Conv2d(narrow, channels, 1))
    module = nn.Sequential(Residual(*body), nn.ReLU())
    stack.add(module, channels, 2 * channels * narrow + 9 * narrow**2)


def _two_convolutions(stack: Stack) -> None:
    channels = stack.channels
    body = (conv(channels, channels, 3), nn.Conv2d(channels, channels, 3, padding=1))
    stack.add(nn.Sequential(Residual(*body), nn.ReLU()), channels, 18 * channels**2)


def _growing(stack: Stack) -> None:
    grow, channels = stack.draw.one(12, 24, 32), stack.channels
    body = nn.Sequential(
        norm(channels), nn.ReLU(), conv(channels, 4 * grow, 1), nn.Conv2d(4 * grow, grow, 3, 1, 1)
    )
    module = Beside(nn.Identity(), body)
    stack.add(module, channels + grow, 4 * grow * channels + 36 * grow**2)


def _inception(stack: Stack) -> None:
    channels, a, b = stack.channels, stack.draw.channels(16, 128), stack.draw.channels(16, 96)
    narrow = max(8, channels // 4)
    branches = (
        conv(channels, a, 1),
        nn.Sequential(conv(channels, narrow, 1), conv(narrow, b, 3)),
        nn.Sequential(nn.MaxPool2d(3, 1, 1), conv(channels, b, 1)),
    )
    stack.add(Beside(*branches), a + 2 * b, channels * (a + b + narrow) + 9 * narrow * b)


def _pool(stack: Stack) -> None:
    if stack.size >= _SMALLEST_POOLED:
        kind = nn.MaxPool2d if stack.draw.chance(0.6) else nn.AvgPool2d
        stack.add(kind(3, 2, 1), stack.channels, 0, 2)


_BLOCKS = (
    _plain,
    _plain,
    _separable,
    _separable,
    _bottleneck,
    _two_convolutions,
    _growing,
    _inception,
    _pool,
)


def stack_of(draw: Draw, limits: Limits = Limits()) -> tuple[tuple[int, ...], nn.Module]:
    """Return a network in small: a stem, blocks, and a classifier."""
    stack = Stack(draw, limits)
    kernel, stride, first = draw.one(3, 3, 5, 7), draw.one(1, 2, 2), draw.one(16, 24, 32, 64)
    stack.add(first_layer(kernel, stride, first), first, 3 * first * kernel**2, stride)
    return _filled(stack)


def wide_stack_of(draw: Draw) -> tuple[tuple[int, ...], nn.Module]:
    """Return late layers: few positions, many channels, and weights that outgrow a cache."""
    stack = Stack(draw, _WIDE)
    first, wide = draw.one(32, 64), draw.channels(128, 512)
    stack.add(first_layer(7, 2, first), first, 3 * first * 49, 2)
    stack.add(nn.MaxPool2d(3, 2, 1), first, 0, 2)
    stack.add(conv(first, wide, 3, 2), wide, first * wide * 9, 2)
    return _filled(stack)


def _filled(stack: Stack) -> tuple[tuple[int, ...], nn.Module]:
    """Return the stack with as many blocks as have room, and a classifier."""
    while not stack.full():
        _BLOCKS[stack.draw.one(*range(len(_BLOCKS)))](stack)
    classes = stack.draw.one(10, 100, 1000)
    head = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(stack.channels, classes)]
    return stack.shape, nn.Sequential(*stack.modules, *head)
