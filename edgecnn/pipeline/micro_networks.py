"""Micro-networks: small ones of one kind of layer, and short stacks of several, that a device is fitted on.

Extents and channels are drawn from a seed, spread evenly on a logarithmic scale. Single kinds show what a
layer costs by itself; stacks, what it costs between others, and only they are held back to judge the fit.
"""

import math
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn

_MOST_MULT_ADDS, _MOST_ELEMENTS = 4e8, 1 << 21
_MOST_BLOCKS, _SMALLEST_POOLED, _PADDED_POOL = 24, 4, 3
_LEAST_MULT_ADDS, _MOST_WEIGHT_BYTES = 3e5, 1.3e8
_PLAIN_CHANNELS = (3, 7, 10, 20, 27, 50, 100)  # that no lane divides


@dataclass(frozen=True, kw_only=True)
class Micro:
    """One micro-network: its name, the shape of its input (1, c, h, w), and the module.

    `stack` says whether it holds several kinds of layers.
    """

    name: str
    shape: tuple[int, ...]
    module: nn.Module
    stack: bool


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


Single = Callable[[Draw], tuple[tuple[int, ...], nn.Module]]


def _convolutions(kernel: int) -> Single:
    """Return what makes three convolutions with one kernel."""

    def make(draw: Draw) -> tuple[tuple[int, ...], nn.Module]:
        while True:
            size, stride = draw.between(4, 112), draw.one(1, 1, 1, 2)
            widths = [draw.channels(8, 512) for _ in range(4)]
            ends = [math.ceil(size / stride ** (place + 1)) ** 2 for place in range(3)]
            work = [a * b * kernel**2 * n for a, b, n in zip(widths, widths[1:], ends, strict=False)]
            if _LEAST_MULT_ADDS < sum(work) < _MOST_MULT_ADDS and size * size * max(widths) < _MOST_ELEMENTS:
                break
        layers = [conv(a, b, kernel, stride) for a, b in pairwise(widths)]
        return (1, widths[0], size, size), nn.Sequential(*layers)

    return make


def _stem(draw: Draw) -> tuple[tuple[int, ...], nn.Module]:
    kernel, stride, size = draw.one(3, 3, 5, 7, 11), draw.one(1, 2, 2, 4), draw.between(28, 230)
    channels = draw.one(16, 24, 32, 64, 96)
    return (1, draw.one(1, 3, 3), size, size), _first(kernel, stride, channels)


def _first(kernel: int, stride: int, channels: int) -> nn.Module:
    return nn.Sequential(nn.LazyConv2d(channels, kernel, stride, kernel // 2), nn.ReLU())


def _depthwise(draw: Draw) -> tuple[tuple[int, ...], nn.Module]:
    channels, size, stride = draw.channels(16, 1024), draw.between(7, 112), draw.one(1, 1, 2)
    while channels * size**2 > _MOST_ELEMENTS:
        size //= 2
    kernel = draw.one(3, 3, 3, 5)
    return (1, channels, size, size), nn.Sequential(
        *(conv(channels, channels, kernel, stride if turn == 0 else 1, channels) for turn in range(3))
    )


def _grouped(draw: Draw) -> tuple[tuple[int, ...], nn.Module]:
    groups, size = draw.one(2, 8, 32), draw.between(7, 56)
    channels = groups * draw.one(4, 8, 16)
    return (1, channels, size, size), nn.Sequential(
        *(conv(channels, channels, 3, 1, groups) for _ in range(2))
    )


def _dense(draw: Draw) -> tuple[tuple[int, ...], nn.Module]:
    widths = [draw.between(64, 6000), draw.between(16, 4096), draw.between(10, 1000)]
    layers = [nn.Flatten(), nn.Linear(widths[0], widths[1]), nn.ReLU(), nn.Linear(widths[1], widths[2])]
    return (1, widths[0], 1, 1), nn.Sequential(*layers)


def _heavy(draw: Draw) -> tuple[tuple[int, ...], nn.Module]:
    """Return convolutions of small maps whose weights together outgrow a cache."""
    size, kernel, channels = draw.one(1, 2, 4, 7), draw.one(1, 1, 3), 8 * draw.between(16, 128)
    count = max(2, min(40, round(draw.between(1e6, 1.2e8) / (4 * channels**2 * kernel**2))))
    while channels**2 * kernel**2 * count * 4 > _MOST_WEIGHT_BYTES:
        channels //= 2
    return (1, channels, size, size), nn.Sequential(*(conv(channels, channels, kernel) for _ in range(count)))


def _map_of(draw: Draw) -> tuple[int, int]:
    channels, size = draw.channels(16, 512), draw.between(8, 112)
    while channels * size**2 > _MOST_ELEMENTS // 2:
        size //= 2
    return channels, size


def _repeated(make: Callable[[int], Sequence[nn.Module]]) -> Single:
    """Return what makes a network of layers that take any map."""

    def made(draw: Draw) -> tuple[tuple[int, ...], nn.Module]:
        channels, size = _map_of(draw)
        return (1, channels, size, size), nn.Sequential(*make(channels))

    return made


def _pools(kind: type[nn.Module]) -> Single:
    """Return what makes two pools, the second over three by three positions side by side."""

    def make(draw: Draw) -> tuple[tuple[int, ...], nn.Module]:
        channels, size = _map_of(draw)
        kernel, stride = draw.one(2, 3, 3), draw.one(1, 2, 2)
        padding = kernel // 2 if kernel == _PADDED_POOL else 0
        pools = nn.Sequential(kind(kernel, stride, padding), kind(3, 1, 1))
        return (1, channels, size, size), pools

    return make


# name: how many of it, and what makes one
_SINGLES: dict[str, tuple[int, Single]] = {
    "conv1": (16, _convolutions(1)),
    "conv3": (16, _convolutions(3)),
    "conv5": (6, _convolutions(5)),
    "conv7": (2, _convolutions(7)),
    "stem": (10, _stem),
    "depthwise": (12, _depthwise),
    "grouped": (5, _grouped),
    "dense": (8, _dense),
    "heavy": (14, _heavy),
    "maxpool": (6, _pools(nn.MaxPool2d)),
    "avgpool": (5, _pools(nn.AvgPool2d)),
    "mean": (5, _repeated(lambda _: [nn.AdaptiveAvgPool2d(1)])),
    "add": (5, _repeated(lambda _: [Residual(nn.ReLU()), Residual(nn.ReLU())])),
    "norm": (5, _repeated(lambda c: [norm(c), nn.ReLU(), nn.MaxPool2d(2), norm(c), nn.ReLU()])),
    "concat": (5, _repeated(lambda _: [Beside(nn.MaxPool2d(1), nn.ReLU()), nn.MaxPool2d(2)])),
    "sigmoid": (3, _repeated(lambda _: [nn.Sigmoid(), nn.AvgPool2d(2), nn.Sigmoid()])),
    "tanh": (3, _repeated(lambda _: [nn.Tanh(), nn.AvgPool2d(2), nn.Tanh()])),
    "lrn": (4, _repeated(lambda _: [nn.LocalResponseNorm(5), nn.MaxPool2d(2)])),
    "nearest": (3, _repeated(lambda _: [nn.MaxPool2d(2), nn.Upsample(scale_factor=2)])),
    "bilinear": (
        3,
        _repeated(lambda _: [nn.MaxPool2d(2), nn.Upsample(scale_factor=2, mode="bilinear")]),
    ),
    "crop": (4, _repeated(lambda _: [Crop(), nn.MaxPool2d(2), Crop()])),
    "scale": (3, _repeated(lambda _: [Scale(), nn.MaxPool2d(2), Scale()])),
    "shortcut": (4, _repeated(lambda _: [Shortcut(), nn.MaxPool2d(3, 1, 1)])),
    "transposed": (3, _repeated(lambda c: [nn.MaxPool2d(4), nn.ConvTranspose2d(c, c // 2 + 1, 2, 2)])),
    "softmax": (3, _repeated(lambda _: [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Softmax(1)])),
}
STACKS = 56


class Stack:
    """A stack that grows block by block, as long as there is work to give away."""

    def __init__(self, draw: Draw) -> None:
        self.draw = draw
        self.size = draw.one(32, 32, 48, 64, 96, 112, 128, 160)
        self.shape = (1, 3, self.size, self.size)
        self.channels = 3
        self.left = draw.between(5e6, _MOST_MULT_ADDS)
        self.modules: list[nn.Module] = []

    def add(self, module: nn.Module, channels: int, work: float, stride: int = 1) -> None:
        """Append a block."""
        self.modules.append(module)
        self.left -= int(work * (self.size / stride) ** 2)
        self.channels, self.size = channels, -(-self.size // stride)

    def wider(self, most: int = 512) -> int:
        """Return a number of channels for the next block."""
        return min(self.draw.channels(max(8, self.channels // 2), max(16, self.channels * 2)), most)


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


def _stack(draw: Draw) -> tuple[tuple[int, ...], nn.Module]:
    """Return a network in small: a stem, blocks, and a classifier."""
    stack = Stack(draw)
    kernel, stride, first = draw.one(3, 3, 5, 7), draw.one(1, 2, 2), draw.one(16, 24, 32, 64)
    stack.add(_first(kernel, stride, first), first, 3 * first * kernel**2, stride)
    while stack.left > 0 and len(stack.modules) < _MOST_BLOCKS:
        _BLOCKS[draw.one(*range(len(_BLOCKS)))](stack)
    head = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(stack.channels, draw.one(10, 100, 1000))]
    return stack.shape, nn.Sequential(*stack.modules, *head)


def micro_networks(seed: int = 0, share: float = 1.0) -> Iterator[Micro]:
    """Give the micro-networks one by one: single kinds of layers, then stacks.

    Args:
        seed: of extents, channels and weights.
        share: how many of them, of all; at least one of each kind.
    """
    kinds = {name: (count, make, False) for name, (count, make) in _SINGLES.items()}
    kinds["stack"] = (STACKS, _stack, True)
    for name, (count, make, stack) in kinds.items():
        for number in range(max(1, round(count * share))):
            key = seed * 1000 + number
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(key)
                shape, module = make(Draw(key * 1009 + sum(map(ord, name))))
                module.eval()(torch.zeros(shape))  # settles the lazy convolutions
            yield Micro(name=f"{name}-{number}", shape=shape, module=module, stack=stack)
