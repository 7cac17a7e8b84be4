"""Which two layers share channels that may be scaled, and why others may not.

Between them stand only operators that commute with a positive scale of each channel, f(s x) = s f(x): a ReLU,
pooling, resizing, a Flatten. A Clip(0, b) does so while its bound b does not act.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import onnx_ir as ir

from edgecnn.graph.nodes import attribute, constant, output, static_shape
from edgecnn.quantize.channels import LAYERS, layer


@dataclass(frozen=True, kw_only=True)
class LayerPair:
    """Two layers, the second the only reader of the first.

    Attributes:
        channels: that they share.
        clip: the Clip(0, bound) between them, if there is one.
        bound: of that Clip, infinite without one.
    """

    first: ir.Node
    second: ir.Node
    channels: int
    clip: ir.Node | None
    bound: float


@dataclass(frozen=True, kw_only=True)
class LayerPairs:
    """The pairs in execution order, and for each layer that begins none the reason."""

    found: tuple[LayerPair, ...]
    left: Counter[str]

    @property
    def reasons(self) -> str:
        """Return the reasons as one clause, the most frequent first."""
        return ", ".join(f"{number} {reason}" for reason, number in self.left.most_common())


def find_pairs(model: ir.Model) -> LayerPairs:
    """Return the pairs of a graph."""
    found: list[LayerPair] = []
    left: Counter[str] = Counter()
    for node in model.graph:
        if node.op_type in LAYERS:
            pair = _pair(node)
            if isinstance(pair, LayerPair):
                found.append(pair)
            else:
                left[pair] += 1
    return LayerPairs(found=tuple(found), left=left)


def _pair(first: ir.Node) -> LayerPair | str:
    """Return the pair that a layer begins, or why it begins none."""
    if layer(first) is None:
        return "with a weight that is shared or computed"
    clip, bound = None, float("inf")
    value = output(first)
    for node in _followers(value):
        if node.op_type in LAYERS:
            if node.inputs[0] is not value or layer(node) is None:
                return "before a weight that is shared or computed"
            if _channels(first) % attribute(node, "group", 1):
                return "before groups that share a channel"
            return LayerPair(first=first, second=node, channels=_channels(first), clip=clip, bound=bound)
        commutes = _COMMUTE.get(node.op_type)
        if node.domain or commutes is None or not commutes(node, value):
            return f"before {node.op_type}"
        if node.op_type == "Clip" and upper_bound(node) < float("inf"):
            clip, bound = node, min(bound, upper_bound(node))
        value = output(node)
    return "read by the graph's output" if value.is_graph_output() else "read by several nodes"


def _followers(value: ir.Value) -> Iterator[ir.Node]:
    """Yield the only reader of the value, the only reader of that one's output, ..."""
    while not value.is_graph_output() and len(value.uses()) == 1:
        node = next(iter(value.uses())).node
        yield node
        value = output(node)


def _channels(node: ir.Node) -> int:
    return static_shape(output(node))[1]


def upper_bound(clip: ir.Node) -> float:
    """Return the upper bound of a Clip, infinite where it has none."""
    given = clip.inputs[2] if len(clip.inputs) > 2 else None
    array = constant(given)
    return float("inf") if array is None else float(array.item())


def _always(_node: ir.Node, _value: ir.Value) -> bool:
    return True


def _clips_at_zero(node: ir.Node, _value: ir.Value) -> bool:
    bounds = [(given, constant(given)) for given in node.inputs[1:3]]
    if any(given is not None and (array is None or array.size != 1) for given, array in bounds):
        return False  # a bound that is computed, or one for each channel
    lower = bounds[0][1] if bounds else None
    return lower is not None and float(lower.item()) == 0.0


def _slope_per_channel(node: ir.Node, _value: ir.Value) -> bool:
    return constant(node.inputs[1]) is not None  # any slope: max(s x, 0) + a min(s x, 0) = s (...)


def _over_the_map(node: ir.Node, value: ir.Value) -> bool:
    axes = attribute(node, "axes", ())
    rank = len(static_shape(value))
    return bool(axes) and all(axis % rank >= 2 for axis in axes)


def _keeps_channels_apart(node: ir.Node, value: ir.Value) -> bool:
    before, after = static_shape(value), static_shape(output(node))
    flat = (before[0], int(np.prod(before[1:])))
    return after == flat or after[:2] == before[:2]


def _pads_with_zeros(node: ir.Node, value: ir.Value) -> bool:
    pads = constant(node.inputs[1]) if len(node.inputs) > 1 else None
    fill = constant(node.inputs[2]) if len(node.inputs) > 2 and node.inputs[2] is not None else np.zeros(1)
    if pads is None or fill is None:
        return False
    rank = len(static_shape(value))
    others = (pads[0], pads[1], pads[rank], pads[rank + 1])  # of images and channels
    plain = attribute(node, "mode", "constant") != "constant" or not np.any(fill)
    return plain and not any(others)


def _resizes_the_map(node: ir.Node, value: ir.Value) -> bool:
    before, after = static_shape(value), static_shape(output(node))
    extrapolates = attribute(node, "coordinate_transformation_mode", "half_pixel") == "tf_crop_and_resize"
    return before[:2] == after[:2] and not extrapolates


_COMMUTE: dict[str, Callable[[ir.Node, ir.Value], bool]] = {
    "Relu": _always,
    "LeakyRelu": _always,
    "PRelu": _slope_per_channel,
    "Clip": _clips_at_zero,
    "MaxPool": _always,
    "AveragePool": _always,
    "GlobalAveragePool": _always,
    "GlobalMaxPool": _always,
    "ReduceMean": _over_the_map,
    "Flatten": _keeps_channels_apart,
    "Reshape": _keeps_channels_apart,
    "Squeeze": _keeps_channels_apart,
    "Pad": _pads_with_zeros,
    "Resize": _resizes_the_map,
}
