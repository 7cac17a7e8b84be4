"""Receptive fields, exactly: the interval of input positions that each output position sees.

For a window of k taps, stride s, dilation d and padding p, output o sees the positions from `o s − p` to
`o s − p + (k − 1) d` of the map before; output o of a transposed convolution sees those i with
`0 ≤ o + p − i s ≤ (k − 1) d`. Positions in the padding count, as in the usual theoretical receptive
field. Unlike the recursion `rf += (k − 1) jump`, this gives the least and the greatest extent where
they differ from place to place.
"""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from math import gcd

import numpy as np
import onnx_ir as ir

from edgecnn.graph.nodes import attribute, constant, output, static_shape


@dataclass(frozen=True)
class Extent:
    """What the positions along one axis of a map see.

    Attributes:
        first, last: the first and last input position, by position of the map.
        jump: how far apart in the input two neighbours of the map are, on average.
        period: after so many positions the pattern repeats; above 1 once a map was up-sampled.
    """

    first: np.ndarray
    last: np.ndarray
    jump: Fraction = Fraction(1)
    period: int = 1

    def at(self, positions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return first and last at positions; the pattern continues outside the map, in the padding."""
        size, period = len(self.first), min(self.period, len(self.first))
        before, after = positions % period, size - period + (positions - size) % period
        inside = np.where(positions < 0, before, np.where(positions >= size, after, positions))
        beyond = (positions - inside) * self.jump.numerator // self.jump.denominator
        return self.first[inside] + beyond, self.last[inside] + beyond


Field = tuple[Extent, ...]  # one for each spatial axis
Fields = dict[int, Field]  # by id of the value


def start(value: ir.Value) -> Field:
    """Return the field of the input image: every pixel sees itself."""
    return tuple(Extent(np.arange(size), np.arange(size)) for size in static_shape(value)[2:])


def span(field: Field | None) -> tuple[int, int] | None:
    """Return the least and greatest extent over all positions, along the axis that sees the most."""
    if not field:
        return None
    sizes = [extent.last - extent.first + 1 for extent in field]
    widest = max(sizes, key=lambda size: int(size.max()))
    return int(widest.min()), int(widest.max())


def propagate(node: ir.Node, fields: Fields) -> Field | None:
    """Return the field of a node's output; None where it has no positions or its rule is not known."""
    inputs = [fields[id(value)] for value in node.inputs if value is not None and id(value) in fields]
    shape = output(node).shape
    rank = None if shape is None else len(shape)
    if not inputs or rank != len(inputs[0]) + 2:
        return None
    rule = _RULES.get(node.op_type)
    return rule(node, inputs) if rule else None


def _window(node: ir.Node, inputs: list[Field]) -> Field:
    axes = len(inputs[0])
    weight = node.inputs[1] if node.op_type == "Conv" else None
    kernel = attribute(node, "kernel_shape", static_shape(weight)[2:] if weight else None)
    strides, dilations = (attribute(node, name, (1,) * axes) for name in ("strides", "dilations"))
    begin = _pads_begin(node, axes, kernel, strides, dilations)
    sizes = static_shape(output(node))[2:]
    return tuple(
        _slide(extent, np.arange(size) * s - p, (k - 1) * d, s)
        for extent, size, k, s, d, p in zip(inputs[0], sizes, kernel, strides, dilations, begin, strict=True)
    )


def _pads_begin(
    node: ir.Node, axes: int, kernel: tuple[int, ...], strides: tuple[int, ...], dilations: tuple[int, ...]
) -> tuple[int, ...]:
    mode = attribute(node, "auto_pad", "NOTSET")
    if mode not in ("SAME_UPPER", "SAME_LOWER"):
        return attribute(node, "pads", (0,) * 2 * axes)[:axes]  # type: ignore[no-any-return]
    assert node.inputs[0] is not None
    before, after = static_shape(node.inputs[0])[2:], static_shape(output(node))[2:]
    total = [
        max(0, (o - 1) * s + (k - 1) * d + 1 - i)
        for i, o, k, s, d in zip(before, after, kernel, strides, dilations, strict=True)
    ]
    return tuple(size // 2 if mode == "SAME_UPPER" else size - size // 2 for size in total)


def _slide(extent: Extent, begin: np.ndarray, reach: int, stride: int) -> Extent:
    period = extent.period // gcd(extent.period, stride)
    return Extent(extent.at(begin)[0], extent.at(begin + reach)[1], extent.jump * stride, period)


def _transposed(node: ir.Node, inputs: list[Field]) -> Field:
    axes = len(inputs[0])
    assert node.inputs[1] is not None
    kernel = static_shape(node.inputs[1])[2:]
    strides, dilations = (attribute(node, name, (1,) * axes) for name in ("strides", "dilations"))
    pads = attribute(node, "pads", (0,) * 2 * axes)
    sizes = static_shape(output(node))[2:]
    return tuple(
        _spread(extent, np.arange(size) + p, (k - 1) * d, s)
        for extent, size, k, s, d, p in zip(inputs[0], sizes, kernel, strides, dilations, pads, strict=False)
    )


def _spread(extent: Extent, position: np.ndarray, reach: int, stride: int) -> Extent:
    nearest, farthest = -((reach - position) // stride), position // stride  # ceil and floor
    low, high = np.minimum(nearest, farthest), np.maximum(nearest, farthest)
    period = extent.period * stride
    return Extent(extent.at(low)[0], extent.at(high)[1], extent.jump / stride, period)


def _union(_node: ir.Node, inputs: list[Field]) -> Field:
    return tuple(
        Extent(
            np.min([extent.first for extent in extents], axis=0),
            np.max([extent.last for extent in extents], axis=0),
            extents[0].jump,
            max(extent.period for extent in extents),
        )
        for extents in zip(*inputs, strict=True)
    )


def _pad(node: ir.Node, inputs: list[Field]) -> Field | None:
    pads = constant(node.inputs[1])
    if pads is None:
        return None
    sizes, axes = static_shape(output(node))[2:], len(inputs[0])
    begins = pads[2 : 2 + axes]
    return tuple(
        Extent(*extent.at(np.arange(size) - begin), extent.jump, extent.period)
        for extent, size, begin in zip(inputs[0], sizes, begins, strict=True)
    )


_POINTWISE = (
    "Add BatchNormalization Cast Clip Concat DequantizeLinear Div Dropout Elu HardSigmoid HardSwish Identity"
    " LRN LeakyRelu Max Min Mul Neg PRelu Pow QuantizeLinear Relu Sigmoid Softmax Softplus Sqrt Sub Sum Tanh"
).split()

_RULES: dict[str, Callable[[ir.Node, list[Field]], Field | None]] = {
    **dict.fromkeys(("Conv", "MaxPool", "AveragePool"), _window),
    "ConvTranspose": _transposed,
    "Pad": _pad,
    **dict.fromkeys(_POINTWISE, _union),
}
