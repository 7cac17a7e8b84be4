"""Receptive fields by TFLite operator; images are (n, h, w, c)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from edgecnn.graph.tflite_file import TfliteGraph, TfliteOperator
from edgecnn.profile import extents
from edgecnn.profile.extents import UNKNOWN, Field

Fields = dict[int, Field]  # by index of the tensor

_SAME = 0  # of the schema's enumeration Padding


@dataclass(frozen=True)
class _Reading:
    """An operator with what its rule reads: the fields and (h, w) of its image, the (h, w) of its output."""

    operator: TfliteOperator
    graph: TfliteGraph
    fields: Sequence[Field]
    sizes: tuple[int, int]

    @property
    def image(self) -> Field:
        return self.fields[0]

    def option(self, *names: str) -> tuple[int, ...]:
        return tuple(int(self.operator.options.get(name, 1)) for name in names)

    def shape(self, place: int) -> tuple[int, ...]:
        return self.graph.tensors[self.operator.inputs[place]].shape

    def integers(self, place: int) -> tuple[int, ...] | None:
        return self.graph.tensors[self.operator.inputs[place]].integers()


def start(shape: Sequence[int]) -> Field | None:
    """Return the field of an input of the file: every pixel sees itself; None where it is no image."""
    return extents.start(shape[1:3]) if len(shape) == 4 else None


def propagate(operator: TfliteOperator, graph: TfliteGraph, fields: Fields) -> Field | None:
    """Return the field of the outputs: `UNKNOWN` where no rule gives it, None where positions end."""
    inputs = [fields[index] for index in operator.inputs if index in fields]
    if not inputs or not operator.outputs or operator.name in _ENDS:
        return None
    shape = graph.tensors[operator.outputs[0]].shape
    if len(shape) < 3:
        return None
    rule = _RULES.get(operator.name)
    if rule is None or UNKNOWN in inputs or len(shape) != 4:
        return UNKNOWN
    return rule(_Reading(operator, graph, inputs, (shape[1], shape[2]))) or UNKNOWN


def _convolution(read: _Reading) -> Field:
    _, height, width, _ = read.shape(1)
    return _windows(read, (height, width), read.option("dilationHFactor", "dilationWFactor"))


def _pool(read: _Reading) -> Field:
    return _windows(read, read.option("filterHeight", "filterWidth"), (1, 1))


def _windows(read: _Reading, kernel: Sequence[int], dilations: Sequence[int]) -> Field:
    strides = read.option("strideH", "strideW")
    before = [len(extent.first) for extent in read.image]
    missing = [
        (after - 1) * s + (k - 1) * d + 1 - size
        for size, after, k, s, d in zip(before, read.sizes, kernel, strides, dilations, strict=True)
    ]
    return extents.windows(read.image, read.sizes, kernel, strides, dilations, _begins(read, missing))


def _begins(read: _Reading, missing: Sequence[int]) -> list[int]:
    same = read.operator.options.get("padding") == _SAME
    return [max(0, each) // 2 if same else 0 for each in missing]


def _transposed(read: _Reading) -> Field:
    _, height, width, _ = read.shape(1)
    strides, kernel = read.option("strideH", "strideW"), (height, width)
    before = [len(extent.first) for extent in read.image]
    surplus = [
        (size - 1) * s + k - after
        for size, after, k, s in zip(before, read.sizes, kernel, strides, strict=True)
    ]
    return extents.spread(read.image, read.sizes, kernel, strides, (1, 1), _begins(read, surplus))


def _padded(read: _Reading) -> Field | None:
    pads = read.integers(1)  # begin and end of n, h, w, c
    return extents.moved(read.image, read.sizes, (pads[2], pads[4])) if pads and len(pads) == 8 else None


def _sliced(read: _Reading) -> Field | None:
    begin = read.integers(1)
    return extents.moved(read.image, read.sizes, (-begin[1], -begin[2])) if begin else None


def _strided(read: _Reading) -> Field | None:
    begin, steps = read.integers(1), read.integers(3)
    masks = ("ellipsisMask", "newAxisMask", "shrinkAxisMask")
    if not begin or not steps or min(steps) < 1 or any(read.operator.options.get(name) for name in masks):
        return None
    from_start = read.operator.options.get("beginMask", 0)
    begins = []
    for axis, extent in enumerate(read.image, 1):
        first = 0 if from_start >> axis & 1 else begin[axis]
        begins.append(-max(0, first + len(extent.first) if first < 0 else first))
    return extents.moved(read.image, read.sizes, begins, steps[1:3])


def _resized(read: _Reading) -> Field | None:
    options, nearest = read.operator.options, read.operator.name == "RESIZE_NEAREST_NEIGHBOR"
    if nearest and options.get("alignCorners"):
        return None
    half = "nearest_half_pixel" if nearest else "half_pixel"
    form = half if options.get("halfPixelCenters") else "asymmetric"
    form = "align_corners" if options.get("alignCorners") else form
    return extents.resized(read.image, read.sizes, form, nearest=nearest)


def _from_depth(read: _Reading) -> Field:
    return extents.resized(read.image, read.sizes, "asymmetric", nearest=True)


def _to_depth(read: _Reading) -> Field:
    block = read.option("blockSize") * 2
    return extents.windows(read.image, read.sizes, block, block, (1, 1), (0, 0))


def _along_channels(read: _Reading) -> Field | None:
    return extents.union(read.fields) if read.operator.options.get("axis") in (3, -1) else None


_POINTWISE = (
    "ABS ADD ADD_N CAST CEIL DEQUANTIZE DIV ELU EXP FLOOR GELU HARD_SWISH LEAKY_RELU"
    " LOCAL_RESPONSE_NORMALIZATION LOG LOGISTIC LOG_SOFTMAX MAXIMUM MINIMUM MUL NEG POW PRELU QUANTIZE RELU"
    " RELU6 RELU_0_TO_1 RELU_N1_TO_1 ROUND RSQRT SOFTMAX SQRT SQUARE SQUARED_DIFFERENCE SUB TANH"
).split()

_ENDS = frozenset("MEAN REDUCE_MAX REDUCE_MIN SHAPE SUM".split())

_RULES: dict[str, Callable[[_Reading], Field | None]] = {
    **dict.fromkeys(("CONV_2D", "DEPTHWISE_CONV_2D"), _convolution),
    **dict.fromkeys(("AVERAGE_POOL_2D", "MAX_POOL_2D", "L2_POOL_2D"), _pool),
    **dict.fromkeys(("PAD", "PADV2", "MIRROR_PAD"), _padded),
    **dict.fromkeys(("RESIZE_BILINEAR", "RESIZE_NEAREST_NEIGHBOR"), _resized),
    "CONCATENATION": _along_channels,
    "DEPTH_TO_SPACE": _from_depth,
    "SLICE": _sliced,
    "SPACE_TO_DEPTH": _to_depth,
    "STRIDED_SLICE": _strided,
    "TRANSPOSE_CONV": _transposed,
    **dict.fromkeys(_POINTWISE, lambda read: extents.union(read.fields)),
}
