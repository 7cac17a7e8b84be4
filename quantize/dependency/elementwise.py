"""Operators on each number by itself: one input keeps its labels, several tie theirs where they line up."""

import numpy as np

from edgecnn.quantize.dependency.rules import couples
from edgecnn.quantize.dependency.site import Labels, Site, fixed


@couples(
    "Abs Cast Ceil Celu Clip Cos Elu Erf Exp Floor HardSigmoid HardSwish Identity LeakyRelu Log Neg Not"
    " Reciprocal Relu Round Selu Sigmoid Sign Sin Softplus Softsign Sqrt Tanh ThresholdedRelu Dropout"
)
def _unary(site: Site) -> None:
    for index in range(len(site.node.outputs)):
        site.give(site.labels(0), index)


@couples("LRN")
def _across_neighbours(site: Site) -> None:
    # A channel's neighbours move up once it is gone: what it is divided by changes, its place does not.
    site.give(site.labels(0))


@couples(
    "Add Sub Mul Div Pow Max Min Mean Sum PRelu Where"
    " Equal Greater GreaterOrEqual Less LessOrEqual And Or Xor"
)
def _broadcast(site: Site) -> None:
    given = [index for index in range(len(site.node.inputs)) if site.has(index)]
    sizes = site.result()
    site.give([_aligned(site, given, axis - len(sizes), size) for axis, size in enumerate(sizes)])


def _aligned(site: Site, given: list[int], axis: int, size: int) -> Labels:
    """Tie what lines up along an axis counted from the last, and return the labels of the result."""
    full = [
        index for index in given if len(site.shape(index)) >= -axis and site.shape(index)[axis] == size > 1
    ]
    # An operand that was computed says what the labels are; a constant beside it follows.
    computed = [index for index in full if not site.value(index).is_initializer()]
    if not full:
        return fixed(size)
    leading = (computed or full)[0]
    labels = site.along(leading, axis % len(site.shape(leading)))
    for index in full:
        site.bind(index, axis % len(site.shape(index)), labels)
    return labels


@couples("BatchNormalization InstanceNormalization")
def _normalization(site: Site) -> None:
    for index in range(1, len(site.node.inputs)):
        site.bind(index, 0, site.along(0, 1))
    if len(site.node.outputs) > 1:
        raise site.refuse("has outputs of training; export the network for inference")
    site.give(site.labels(0))


@couples("Softmax LogSoftmax")
def _softmax(site: Site) -> None:
    # What is divided by the sum over an axis needs all of it.
    site.fix(0, [site.axis(site.attribute("axis", -1))])
    site.give(site.labels(0))


@couples("LpNormalization")
def _lp_normalization(site: Site) -> None:
    site.fix(0, [site.axis(site.attribute("axis", -1))])
    site.give(site.labels(0))


@couples("MeanVarianceNormalization")
def _mean_variance(site: Site) -> None:
    site.fix(0, [site.axis(axis) for axis in site.attribute("axes", (0, 2, 3))])
    site.give(site.labels(0))


@couples("GlobalAveragePool GlobalMaxPool GlobalLpPool AveragePool MaxPool LpPool")
def _pool(site: Site) -> None:
    site.fix(0, range(2, len(site.shape(0))))
    sizes = site.result()
    site.give([*site.labels(0)[:2], *map(fixed, sizes[2:])])


@couples(
    "ReduceL1 ReduceL2 ReduceSumSquare ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd"
)
def _reduce(site: Site) -> None:
    rank = len(site.shape(0))
    axes = {site.axis(axis) for axis in site.attribute("axes", range(rank))}
    _collapse(site, axes, fix=True)


@couples("ReduceSum")
def _reduce_sum(site: Site) -> None:
    """Let a sum lose removed terms, as a convolution does; every other reduction needs its whole axis."""
    rank = len(site.shape(0))
    given = np.ravel(site.constant(1)).tolist() if site.has(1) else []
    axes = {
        site.axis(axis)
        for axis in given or ([] if site.attribute("noop_with_empty_axes", 0) else range(rank))
    }
    _collapse(site, axes, fix=False)


@couples("ArgMax ArgMin")
def _arg(site: Site) -> None:
    _collapse(site, {site.axis(site.attribute("axis", 0))}, fix=True)


def _collapse(site: Site, axes: set[int], *, fix: bool) -> None:
    if fix:
        site.fix(0, sorted(axes))
    keep = site.attribute("keepdims", 1)
    labels = [
        fixed(1) if axis in axes else each
        for axis, each in enumerate(site.labels(0))
        if keep or axis not in axes
    ]
    site.give(labels)


@couples("QuantizeLinear DequantizeLinear DynamicQuantizeLinear")
def _quantized(site: Site) -> None:
    raise site.refuse("is of a quantized graph; change its channels before it is quantized")
