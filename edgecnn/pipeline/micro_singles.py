"""Micro-networks of one kind of layer each, which show what it costs by itself."""

import math
from collections.abc import Callable, Sequence
from itertools import pairwise

from torch import nn

from edgecnn.pipeline.micro_layers import (
    MOST_MULT_ADDS,
    Beside,
    Crop,
    Draw,
    Residual,
    Scale,
    Shortcut,
    conv,
    first_layer,
    norm,
)

_LEAST_MULT_ADDS, _MOST_ELEMENTS, _MOST_WEIGHTS = 3e5, 1 << 21, 3.2e7  # 128 MB in float32
_MOST_INT8_WEIGHTS = 1.3e8
_PADDED_POOL = 3

REFERENCE = "reference"  # runs beside every other
ONLY_INT8 = ("vast8", "heavy8")  # in float32 too large for a board

Single = Callable[[Draw], tuple[tuple[int, ...], nn.Module]]


def _convolutions(kernel: int, most: int = 512) -> Single:
    """Return what makes three convolutions with one kernel, of so many channels at most."""

    def make(draw: Draw) -> tuple[tuple[int, ...], nn.Module]:
        while True:
            size, stride = draw.between(4, 112), draw.one(1, 1, 1, 2)
            widths = [draw.channels(8, most) for _ in range(4)]
            ends = [math.ceil(size / stride ** (place + 1)) ** 2 for place in range(3)]
            work = [a * b * kernel**2 * n for a, b, n in zip(widths, widths[1:], ends, strict=False)]
            if _LEAST_MULT_ADDS < sum(work) < MOST_MULT_ADDS and size * size * max(widths) < _MOST_ELEMENTS:
                break
        layers = [conv(a, b, kernel, stride) for a, b in pairwise(widths)]
        return (1, widths[0], size, size), nn.Sequential(*layers)

    return make


def _reference(_draw: Draw) -> tuple[tuple[int, ...], nn.Module]:
    return (1, 64, 28, 28), nn.Sequential(*(conv(64, 64, 3) for _ in range(3)))


def _stem(draw: Draw) -> tuple[tuple[int, ...], nn.Module]:
    kernel, stride, size = draw.one(3, 3, 5, 7, 11), draw.one(1, 2, 2, 4), draw.between(28, 230)
    channels = draw.one(16, 24, 32, 64, 96)
    return (1, draw.one(1, 3, 3), size, size), first_layer(kernel, stride, channels)


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
    return _fully_connected(draw.between(64, 6000), draw.between(16, 4096), draw.between(10, 1000))


def _vast(most: float) -> Single:
    """Return what makes fully connected layers with so many weights at most, and a quarter at least."""

    def make(draw: Draw) -> tuple[tuple[int, ...], nn.Module]:
        wide = draw.between(2048, 4096)
        return _fully_connected(round(draw.between(most / 4, most) / wide) - 1000, wide, 1000)

    return make


def _fully_connected(first: int, second: int, last: int) -> tuple[tuple[int, ...], nn.Module]:
    layers = [nn.Flatten(), nn.Linear(first, second), nn.ReLU(), nn.Linear(second, last)]
    return (1, first, 1, 1), nn.Sequential(*layers)


def _heavy(draw: Draw) -> tuple[tuple[int, ...], nn.Module]:
    """Return convolutions of small maps whose weights together outgrow a cache."""
    size, kernel, channels = draw.one(1, 2, 4, 7, 7, 14), draw.one(1, 1, 3), 8 * draw.between(16, 128)
    count = max(2, min(40, round(draw.between(2e5, _MOST_WEIGHTS) / (channels**2 * kernel**2))))
    while channels**2 * kernel**2 * count > min(_MOST_WEIGHTS, 2 * MOST_MULT_ADDS / size**2):
        count, channels = max(2, count - 1), channels - 8 * (count == 2)
    return (1, channels, size, size), nn.Sequential(*(conv(channels, channels, kernel) for _ in range(count)))


def _heavy8(draw: Draw) -> tuple[tuple[int, ...], nn.Module]:
    channels, size = 8 * draw.between(64, 128), draw.one(2, 4, 7)
    count = round(draw.between(1.8e7, 6.4e7) / (9 * channels**2))
    return (1, channels, size, size), nn.Sequential(*(conv(channels, channels, 3) for _ in range(count)))


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
SINGLES: dict[str, tuple[int, Single]] = {
    REFERENCE: (1, _reference),
    "conv1": (22, _convolutions(1, 1024)),
    "conv3": (22, _convolutions(3)),
    "thin": (8, _convolutions(3, 40)),
    "conv5": (6, _convolutions(5)),
    "conv7": (2, _convolutions(7)),
    "stem": (16, _stem),
    "depthwise": (14, _depthwise),
    "grouped": (8, _grouped),
    "dense": (10, _dense),
    "vast": (4, _vast(_MOST_WEIGHTS)),
    "vast8": (4, _vast(_MOST_INT8_WEIGHTS)),
    "heavy": (24, _heavy),
    "heavy8": (6, _heavy8),
    "padded": (6, _repeated(lambda _: [nn.MaxPool2d(3, 2, 1), nn.MaxPool2d(3, 2, 1)])),
    "maxpool": (8, _pools(nn.MaxPool2d)),
    "avgpool": (5, _pools(nn.AvgPool2d)),
    "mean": (5, _repeated(lambda _: [nn.AdaptiveAvgPool2d(1)])),
    "add": (5, _repeated(lambda _: [Residual(nn.ReLU()), Residual(nn.ReLU())])),
    "norm": (5, _repeated(lambda c: [norm(c), nn.ReLU(), nn.MaxPool2d(2), norm(c), nn.ReLU()])),
    "concat": (
        5,
        _repeated(
            lambda _: [Beside(nn.Identity(), nn.ReLU()), nn.MaxPool2d(2), Beside(nn.Identity(), nn.ReLU())]
        ),
    ),
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
