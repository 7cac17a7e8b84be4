"""Micro-networks of several kinds of layers, which show what a layer costs between others."""

from dataclasses import dataclass

from torch import nn

from edgecnn.pipeline.micro_layers import MOST_MULT_ADDS, Beside, Draw, Residual, conv, first_layer, norm

_MOST_BLOCKS, _SMALLEST_POOLED = 24, 4
STACKS = 80


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How large stacks are: mult-adds, extents of their input, and how much narrower a block may be."""

    least_mult_adds: float = 5e6
    most_mult_adds: float = MOST_MULT_ADDS
    sizes: tuple[int, ...] = (32, 32, 48, 64, 96, 112, 128, 160, 224)
    narrower: float = 0.5


class Stack:
    """A stack that grows block by block, as long as there is work to give away."""

    def __init__(self, draw: Draw, limits: Limits) -> None:
        self.draw, self.limits = draw, limits
        self.size = draw.one(*limits.sizes)
        self.shape = (1, 3, self.size, self.size)
        self.channels = 3
        self.left = draw.between(limits.least_mult_adds, limits.most_mult_adds)
        self.modules: list[nn.Module] = []

    def add(self, module: nn.Module, channels: int, work: float, stride: int = 1) -> None:
        """Append a block."""
        self.modules.append(module)
        self.left -= int(work * (self.size / stride) ** 2)
        self.channels, self.size = channels, -(-self.size // stride)

    def wider(self, most: int = 512) -> int:
        """Return a number of channels for the next block."""
        least = max(8, int(self.channels * self.limits.narrower))
        return min(self.draw.channels(least, max(16, self.channels * 2)), most)


def _plain(stack: Stack) -> None:
    kernel, stride, wide = stack.draw.one(1, 3, 3, 5), stack.draw.one(1, 1, 2), stack.wider()
    stack.add(conv(stack.channels, wide, kernel, stride), wide, stack.channels * wide * kernel**2, stride)


def _separable(stack: Stack) -> None:
    stride, wide, channels = stack.draw.one(1, 1, 2), stack.wider(1024), stack.channels
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
    while stack.left > 0 and len(stack.modules) < _MOST_BLOCKS:
        _BLOCKS[draw.one(*range(len(_BLOCKS)))](stack)
    head = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(stack.channels, draw.one(10, 100, 1000))]
    return stack.shape, nn.Sequential(*stack.modules, *head)
