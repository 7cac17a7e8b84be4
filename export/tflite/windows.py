"""Where the windows of a convolution or pool lie, and how TFLite can say so.

    out = floor((size + begin + end - extent) / stride) + 1,   extent = (kernel - 1) dilation + 1
    SAME: out = ceil(size / stride), begin = floor(max((out - 1) stride + extent - size, 0) / 2)

TensorFlow's SAME puts the odd element at the end, PyTorch's symmetric padding reads it at the beginning:
they agree only where the element counts say so, and elsewhere the padding becomes an operator.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import onnx_ir as ir

from edgecnn.export.tflite.layout import Held
from edgecnn.export.tflite.lowering import Lowering
from edgecnn.export.tflite.parameters import scalar
from edgecnn.export.tflite.program import SAME, VALID
from edgecnn.export.tflite.refusal import refuse
from edgecnn.graph.nodes import attribute, output


@dataclass(frozen=True, kw_only=True)
class Windows:
    """The windows along one axis of an image."""

    size: int
    kernel: int
    stride: int
    dilation: int
    begin: int
    end: int
    ceil: bool = False

    @property
    def extent(self) -> int:
        """Elements from the first tap of a window to its last."""
        return (self.kernel - 1) * self.dilation + 1

    @property
    def out(self) -> int:
        """Number of windows; with `ceil`, a last one must start inside the input or its left padding."""
        room = self.size + self.begin + self.end - self.extent
        if not self.ceil:
            return room // self.stride + 1
        count = -(-room // self.stride) + 1
        return count - 1 if (count - 1) * self.stride >= self.size + self.begin else count

    @property
    def needed_end(self) -> int:
        """Elements behind the input that some window reads."""
        return max((self.out - 1) * self.stride + self.extent - self.size - self.begin, 0)

    @property
    def fits_same(self) -> bool:
        """Say whether TFLite's SAME puts every window where it is."""
        out = -(-self.size // self.stride)
        return self.out == out and self.begin == _total_padding(self, out) // 2

    @property
    def fits_valid(self) -> bool:
        """Say whether TFLite's VALID puts every window where it is."""
        return self.begin == 0 and self.needed_end == 0

    def counts(self, *, padding: bool) -> np.ndarray:
        """Return how many taps of each window lie in the input, or in it and its declared padding."""
        first, last = (-self.begin, self.size + self.end) if padding else (0, self.size)
        starts = np.arange(self.out) * self.stride - self.begin
        taps = starts[:, None] + np.arange(self.kernel) * self.dilation
        return np.asarray(((taps >= first) & (taps < last)).sum(axis=1))


def _total_padding(windows: Windows, out: int) -> int:
    return max((out - 1) * windows.stride + windows.extent - windows.size, 0)


def windows_of(
    node: ir.Node, sizes: Sequence[int], kernel: Sequence[int], *, ceil: bool = False
) -> tuple[Windows, Windows]:
    """Return the windows along height and width from a node's strides, dilations, pads and auto_pad."""
    strides = attribute(node, "strides", (1, 1))
    dilations = attribute(node, "dilations", (1, 1))
    pads = attribute(node, "pads", (0, 0, 0, 0))
    if not len(kernel) == len(strides) == len(dilations) == len(pads) // 2 == 2 or min(pads) < 0:
        raise refuse(node, "its windows are not 2-D or a pad is negative", "only 2-D images are supported")
    described = [
        Windows(
            size=sizes[axis],
            kernel=kernel[axis],
            stride=strides[axis],
            dilation=dilations[axis],
            begin=pads[axis],
            end=pads[axis + 2],
            ceil=ceil,
        )
        for axis in (0, 1)
    ]
    height, width = (_auto_padded(node, windows) for windows in described)
    return height, width


def _auto_padded(node: ir.Node, windows: Windows) -> Windows:
    """Return the windows with the padding that auto_pad stands for."""
    mode = attribute(node, "auto_pad", "NOTSET")
    if mode == "NOTSET":
        return windows
    if mode not in ("VALID", "SAME_UPPER", "SAME_LOWER"):
        raise refuse(node, f"auto_pad={mode} is unknown", "use NOTSET and pads")
    total = 0 if mode == "VALID" else _total_padding(windows, -(-windows.size // windows.stride))
    begin = total - total // 2 if mode == "SAME_LOWER" else total // 2
    return replace(windows, begin=begin, end=total - begin)


def scheme(both: tuple[Windows, Windows]) -> int | None:
    """Return SAME or VALID where TFLite has these windows without an operator of its own, else None."""
    if all(windows.fits_valid for windows in both):
        return VALID
    return SAME if all(windows.fits_same for windows in both) else None


def padded(
    node: ir.Node, graph: Lowering, image: Held, both: tuple[Windows, Windows], *, fill: float = 0.0
) -> int:
    """Write a PAD (PADV2 for another value than 0) that gives every window its padding; return its tensor.

    In int8, PAD takes the zero point, which behind a Relu is the lowest element, too.
    """
    height, width = both
    paddings = [(0, 0), (height.begin, height.needed_end), (width.begin, width.needed_end), (0, 0)]
    shape = [size + sum(pad) for size, pad in zip(image.file_shape, paddings, strict=True)]
    inputs = [image.index, graph.shape_constant(paddings)]
    like = graph.quantization(image)
    if like is not None and like.represents(fill) == like.zero_point:
        fill = 0.0
    if fill:
        inputs.append(scalar(graph, fill, like))
    name = f"{output(node).name}:padded"
    return graph.scratch("PADV2" if fill else "PAD", inputs, shape, name, like=like)


def placed(
    node: ir.Node, graph: Lowering, image: Held, both: tuple[Windows, Windows], *, fill: float = 0.0
) -> tuple[int, int]:
    """Return the tensor on which the windows lie and SAME or VALID, after a PAD where it needs one."""
    padding = scheme(both)
    if padding is not None:
        return image.index, padding
    return padded(node, graph, image, both, fill=fill), VALID
