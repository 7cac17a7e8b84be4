"""Micro-networks that a GPU is fitted on: fewer, since each engine is built first, and larger.

Each begins with a layer that has weights, so that there is something to quantize in all of them.
"""

import math
from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise

from torch import nn

from edgecnn.pipeline.micro_layers import Beside, Crop, Draw, Residual, Scale, conv, norm
from edgecnn.pipeline.micro_networks import STACK, Kinds
from edgecnn.pipeline.micro_singles import REFERENCE, Single
from edgecnn.pipeline.micro_stacks import Limits, stack_of

_LEAST_MULT_ADDS, _MOST_MULT_ADDS = 1e7, 3e9
_LEAST_ELEMENTS, _MOST_ELEMENTS, _MOST_WEIGHTS, _MOST_DENSE_WEIGHTS = 1 << 14, 1 << 22, 3e6, 2e7
_STACKS = 20  # fewer would not do: 9 of 10 errors lie between the least and the greatest of 19
_LAYERS = 3
_OF_STACKS = Limits(
    least_mult_adds=5e7, most_mult_adds=4e9, sizes=(32, 64, 96, 128, 160, 224, 224), narrower=0.75
)

Shape = tuple[int, ...]


def _reference(_draw: Draw) -> tuple[Shape, nn.Module]:
    return (1, 64, 56, 56), nn.Sequential(*(conv(64, 64, 3) for _ in range(_LAYERS)))


def _convolutions(kernels: Sequence[int], strides: Sequence[int] = (1,)) -> Single:
    """Return what makes three convolutions with one of these kernels."""

    def make(draw: Draw) -> tuple[Shape, nn.Module]:
        aim = draw.between(_LEAST_MULT_ADDS, _MOST_MULT_ADDS)
        while True:
            kernel, stride = draw.one(*kernels), draw.one(*strides)
            size, widths = draw.between(7, 160), [draw.channels(16, 768) for _ in range(_LAYERS + 1)]
            ends = [math.ceil(size / stride ** (place + 1)) ** 2 for place in range(_LAYERS)]
            weights = [a * b * kernel**2 for a, b in pairwise(widths)]
            work = sum(each * end for each, end in zip(weights, ends, strict=True))
            fits = sum(weights) < _MOST_WEIGHTS and size * size * max(widths) < _MOST_ELEMENTS
            if fits and aim / 2 < work < 2 * aim:
                break
        return (1, widths[0], size, size), nn.Sequential(
            *(conv(a, b, kernel, stride) for a, b in pairwise(widths))
        )

    return make


def _map_of(draw: Draw, least: int = 7) -> tuple[int, int]:
    """Return channels and extent of a map."""
    aim = draw.between(_LEAST_ELEMENTS, _MOST_ELEMENTS)
    while True:
        channels, size = draw.channels(16, 512), draw.between(least, 160)
        if aim / 2 < channels * size**2 < 2 * aim:
            return channels, size


def _depthwise(draw: Draw) -> tuple[Shape, nn.Module]:
    (channels, size), kernel = _map_of(draw), draw.one(3, 3, 5)
    return (1, channels, size, size), nn.Sequential(
        *(conv(channels, channels, kernel, 1, channels) for _ in range(_LAYERS))
    )


def _grouped(draw: Draw) -> tuple[Shape, nn.Module]:
    groups, size = draw.one(2, 8, 32), draw.between(14, 112)
    channels = groups * draw.one(4, 8, 16)
    return (1, channels, size, size), nn.Sequential(
        *(conv(channels, channels, 3, 1, groups) for _ in range(_LAYERS))
    )


def _heavy(draw: Draw) -> tuple[Shape, nn.Module]:
    """Return convolutions of small maps, of as many weights as the last layers of a large network."""
    size, kernel, channels = draw.one(7, 14), draw.one(1, 3), 64 * draw.between(4, 12)
    count = max(2, round(draw.between(5e6, 1.2e7) / (channels**2 * kernel**2)))
    return (1, channels, size, size), nn.Sequential(*(conv(channels, channels, kernel) for _ in range(count)))


def _dense(draw: Draw) -> tuple[Shape, nn.Module]:
    aim = draw.between(1e5, _MOST_DENSE_WEIGHTS)
    while True:
        first, second, last = draw.between(64, 9216), draw.between(64, 4096), draw.between(10, 1000)
        if aim / 2 < second * (first + last) < aim:
            break
    layers = [nn.Flatten(), nn.Linear(first, second), nn.ReLU(), nn.Linear(second, last)]
    return (1, first, 1, 1), nn.Sequential(*layers)


def _resized(draw: Draw, _channels: int) -> list[nn.Module]:
    mode = "nearest" if draw.chance(0.5) else "bilinear"
    return [nn.MaxPool2d(2), nn.Upsample(scale_factor=2, mode=mode)]


def _transposed(_draw: Draw, channels: int) -> list[nn.Module]:
    return [nn.MaxPool2d(2), nn.ConvTranspose2d(channels, channels, 2, 2)]


def _normalized(_draw: Draw, _channels: int) -> list[nn.Module]:
    return [nn.MaxPool2d(2), nn.LocalResponseNorm(5)]


def _cropped(_draw: Draw, _channels: int) -> list[nn.Module]:
    return [nn.AvgPool2d(2), Crop()]


def _soft(_draw: Draw, _channels: int) -> list[nn.Module]:
    return [nn.AvgPool2d(2), nn.Softmax(1)]


def _pointwise(_draw: Draw, channels: int) -> list[nn.Module]:
    pool = partial(nn.MaxPool2d, 3, 1, 1)
    return [pool(), norm(channels), nn.ReLU(), Residual(pool()), pool(), Scale(), Beside(pool(), pool())]


def _mixed(*parts: Callable[[Draw, int], list[nn.Module]]) -> Single:
    """Return what makes a network of a convolution and these parts, each of which takes any map."""

    def make(draw: Draw) -> tuple[Shape, nn.Module]:
        channels, size = _map_of(draw, 24)  # every part may halve it
        modules = [module for part in parts for module in part(draw, channels)]
        return (1, channels, size, size), nn.Sequential(conv(channels, channels, 1), *modules)

    return make


# Of each part three: from fewer networks nothing follows.
KINDS: Kinds = {
    REFERENCE: (1, _reference),
    "conv1": (4, _convolutions((1,))),
    "conv3": (5, _convolutions((3,))),
    "conv": (3, _convolutions((5, 7, 3), (2, 1, 1))),
    "depthwise": (3, _depthwise),
    "grouped": (3, _grouped),
    "heavy": (3, _heavy),
    "dense": (3, _dense),
    "pointwise": (2, _mixed(_pointwise)),
    "resized_transposed_normalized": (1, _mixed(_resized, _transposed, _normalized)),
    "transposed_normalized_cropped": (1, _mixed(_transposed, _normalized, _cropped)),
    "normalized_cropped_soft": (1, _mixed(_normalized, _cropped, _soft)),
    "cropped_soft_resized": (1, _mixed(_cropped, _soft, _resized)),
    "soft_resized_transposed": (1, _mixed(_soft, _resized, _transposed)),
    STACK: (_STACKS, partial(stack_of, limits=_OF_STACKS)),
}
