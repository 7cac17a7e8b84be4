"""Sliding windows: kernel, stride, dilation and padding of convolutions and pools, as numbers.

    out = floor((in + begin + end - d (k - 1) - 1) / s) + 1                   of convolutions and pools
    out = s (in - 1) + output_padding + d (k - 1) + 1 - begin - end           of transposed convolutions

`auto_pad=SAME_UPPER` and `SAME_LOWER` pad so that out = ceil(in / s), or s in where transposed.
Source: the ONNX operator specification, Conv-11, ConvTranspose-11, MaxPool-12, AveragePool-11.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from edgecnn.trainable.site import Site

Sizes = tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class Window:
    """The numbers of a window, one for each spatial axis."""

    kernel: Sizes
    strides: Sizes
    dilations: Sizes
    begin: Sizes
    end: Sizes

    @property
    def symmetric(self) -> bool:
        """Whether as much goes before as after, and nothing is cut off: torch's own padding."""
        return self.begin == self.end and min(self.begin) >= 0

    @property
    def extents(self) -> Sizes:
        """How far the taps of the window reach."""
        return tuple(d * (k - 1) + 1 for k, d in zip(self.kernel, self.dilations, strict=True))


def window(site: Site, kernel: Sequence[int], *, transposed: bool = False) -> Window:
    """Read a node's window; its padding is computed where `auto_pad` leaves it open."""
    axes = len(kernel)
    strides, dilations = (tuple(site.attribute(name, (1,) * axes)) for name in ("strides", "dilations"))
    bare = Window(
        kernel=tuple(kernel), strides=strides, dilations=dilations, begin=(0,) * axes, end=(0,) * axes
    )
    automatic = site.choice("auto_pad", "NOTSET", "NOTSET SAME_UPPER SAME_LOWER VALID")
    totals = (_totals_transposed if transposed else _totals)(site, bare, automatic)
    if totals is None:
        pads = tuple(site.attribute("pads", (0,) * 2 * axes)) if automatic == "NOTSET" else (0,) * 2 * axes
        begin, end = pads[:axes], pads[axes:]
    else:
        small, large = tuple(size // 2 for size in totals), tuple(size - size // 2 for size in totals)
        # The odd one goes to the end for SAME_UPPER; of a transposed convolution it is cut off, likewise.
        begin, end = (small, large) if automatic == "SAME_UPPER" else (large, small)
    if not len(begin) == len(end) == len(strides) == len(dilations) == axes:
        raise site.refuse(f"has strides, dilations or pads that are not for {axes} spatial axes")
    return Window(kernel=tuple(kernel), strides=strides, dilations=dilations, begin=begin, end=end)


def _totals(site: Site, bare: Window, automatic: str) -> Sizes | None:
    if not automatic.startswith("SAME"):
        return None
    sizes = zip(site.shape(0)[2:], bare.strides, bare.extents, strict=True)
    return tuple(max((math.ceil(size / s) - 1) * s + extent - size, 0) for size, s, extent in sizes)


def _totals_transposed(site: Site, bare: Window, automatic: str) -> Sizes | None:
    sizes, axes = site.shape(0)[2:], len(bare.kernel)
    wanted = site.attribute("output_shape")
    if wanted is None and not automatic.startswith("SAME"):
        return None
    if wanted is None:
        wanted = [size * s for size, s in zip(sizes, bare.strides, strict=True)]
    extra = site.attribute("output_padding", (0,) * axes)
    numbers = zip(sizes, bare.strides, bare.extents, extra, wanted[-axes:], strict=True)
    return tuple(s * (size - 1) + more + extent - out for size, s, extent, more, out in numbers)


def torch_pads(begin: Sequence[int], end: Sequence[int]) -> list[int]:
    """Return pads as torch takes them: from the last axis on, before and after beside each other."""
    pairs = list(zip(begin, end, strict=True))[::-1]
    while pairs and pairs[-1] == (0, 0):
        pairs.pop()  # the leading axes, which torch need not hear of
    return [size for pair in pairs for size in pair]
