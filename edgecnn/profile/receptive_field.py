"""Receptive fields by operator: from those of a node's inputs to that of its output."""

from collections.abc import Callable, Sequence

import onnx_ir as ir

from edgecnn.graph.nodes import attribute, constant, output, static_shape
from edgecnn.profile import extents
from edgecnn.profile.extents import UNKNOWN, Field

Fields = dict[int, Field]  # by id of the value


def start(value: ir.Value) -> Field:
    """Return the field of the input image: every pixel sees itself."""
    return extents.start(static_shape(value)[2:])


def propagate(node: ir.Node, fields: Fields) -> Field | None:
    """Return the field of a node's outputs: `UNKNOWN` where no rule gives it, None where positions end."""
    inputs = [fields[id(value)] for value in node.inputs if value is not None and id(value) in fields]
    if not inputs or node.op_type in _ENDS or len(static_shape(output(node))) < 3:
        return None
    rule = None if node.domain else _RULES.get(node.op_type)
    if rule is None or UNKNOWN in inputs:
        return UNKNOWN
    return rule(node, inputs) or UNKNOWN


def _sizes(node: ir.Node) -> tuple[int, ...]:
    return static_shape(output(node))[2:]


def _steps(node: ir.Node) -> tuple[Sequence[int], Sequence[int]]:
    ones = (1,) * len(_sizes(node))
    return attribute(node, "strides", ones), attribute(node, "dilations", ones)


def _kernel(node: ir.Node) -> tuple[int, ...]:
    given = attribute(node, "kernel_shape", None)
    if given is not None:
        return tuple(given)
    assert node.inputs[1] is not None
    return static_shape(node.inputs[1])[2:]


def _window(node: ir.Node, inputs: list[Field]) -> Field:
    kernel, (strides, dilations) = _kernel(node), _steps(node)
    begins = _pads_begin(node, [len(extent.first) for extent in inputs[0]], kernel)
    return extents.windows(inputs[0], _sizes(node), kernel, strides, dilations, begins)


def _pads_begin(node: ir.Node, before: Sequence[int], kernel: Sequence[int]) -> tuple[int, ...]:
    mode, after = attribute(node, "auto_pad", "NOTSET"), _sizes(node)
    if mode not in ("SAME_UPPER", "SAME_LOWER"):
        return attribute(node, "pads", (0,) * 2 * len(after))[: len(after)]  # type: ignore[no-any-return]
    total = [
        max(0, (o - 1) * s + (k - 1) * d + 1 - i)
        for i, o, k, s, d in zip(before, after, kernel, *_steps(node), strict=True)
    ]
    return tuple(size // 2 if mode == "SAME_UPPER" else size - size // 2 for size in total)


def _transposed(node: ir.Node, inputs: list[Field]) -> Field | None:
    sizes, (strides, dilations) = _sizes(node), _steps(node)
    if attribute(node, "auto_pad", "NOTSET") not in ("NOTSET", "VALID"):
        return None
    begins = attribute(node, "pads", (0,) * 2 * len(sizes))[: len(sizes)]
    return extents.spread(inputs[0], sizes, _kernel(node), strides, dilations, begins)


def _sliced(node: ir.Node, inputs: list[Field]) -> Field | None:
    given = [constant(value) for value in node.inputs[1:]]
    if any(array is None for array in given):
        return None
    starts, ends, *rest = ([int(number) for number in array] for array in given if array is not None)
    axes = rest[0] if rest else list(range(len(starts)))
    steps = rest[1] if len(rest) > 1 else [1] * len(ends)
    if min(steps) < 1:
        return None
    rank = len(inputs[0]) + 2
    cut = {axis % rank: (first, step) for axis, first, step in zip(axes, starts, steps, strict=True)}
    begins, strides = [], []
    for axis, extent in enumerate(inputs[0], 2):
        first, step = cut.get(axis, (0, 1))
        begins.append(-max(0, first + len(extent.first) if first < 0 else first))
        strides.append(step)
    return extents.moved(inputs[0], _sizes(node), begins, strides)


def _padded(node: ir.Node, inputs: list[Field]) -> Field | None:
    pads = constant(node.inputs[1])
    if pads is None or len(node.inputs) > 3:
        return None
    sizes = _sizes(node)
    return extents.moved(inputs[0], sizes, [int(begin) for begin in pads[2 : 2 + len(sizes)]])


def _resized(node: ir.Node, inputs: list[Field]) -> Field | None:
    coordinates = attribute(node, "coordinate_transformation_mode", "half_pixel")
    nearest = attribute(node, "mode", "nearest") == "nearest"
    rounded_down = attribute(node, "nearest_mode", "round_prefer_floor") == "floor"
    if coordinates not in extents.COORDINATES or (nearest and not rounded_down):
        return None
    return extents.resized(inputs[0], _sizes(node), coordinates, nearest=nearest)


def _from_depth(node: ir.Node, inputs: list[Field]) -> Field:
    return extents.resized(inputs[0], _sizes(node), "asymmetric", nearest=True)


def _to_depth(node: ir.Node, inputs: list[Field]) -> Field:
    axes = len(inputs[0])
    block, ones, zeros = (attribute(node, "blocksize", 1),) * axes, (1,) * axes, (0,) * axes
    return extents.windows(inputs[0], _sizes(node), block, block, ones, zeros)


def _union(_node: ir.Node, inputs: list[Field]) -> Field:
    return extents.union(inputs)


def _along_channels(node: ir.Node, inputs: list[Field]) -> Field | None:
    return extents.union(inputs) if attribute(node, "axis", 0) in (1, -1 - len(inputs[0])) else None


_POINTWISE = (
    "Abs Add BatchNormalization Cast Ceil Clip DequantizeLinear Div Dropout Elu Erf Exp Floor HardSigmoid"
    " HardSwish Identity LRN LeakyRelu Log Max Min Mul Neg PRelu Pow QuantizeLinear Reciprocal Relu"
    " Sigmoid Softmax Softplus Sqrt Sub Sum Tanh"
).split()

# The theoretical receptive field is that of the last map before these.
_ENDS = frozenset("GlobalAveragePool GlobalMaxPool ReduceMax ReduceMean ReduceSum Shape".split())

_RULES: dict[str, Callable[[ir.Node, list[Field]], Field | None]] = {
    **dict.fromkeys(("Conv", "MaxPool", "AveragePool"), _window),
    **dict.fromkeys(("Concat", "Split"), _along_channels),
    "ConvTranspose": _transposed,
    "DepthToSpace": _from_depth,
    "SpaceToDepth": _to_depth,
    "Pad": _padded,
    "Slice": _sliced,
    "Resize": _resized,
    **dict.fromkeys(_POINTWISE, _union),
}
