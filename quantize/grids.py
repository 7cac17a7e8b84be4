"""The grids of a placement's activations and weights, from the ranges that calibration found.

A group's range is the union of its members'. Then what integer kernels need is made so, each by widening:

    |b| <= 2^30 s_x s_w            the bias fits int32 with room for the sum
    2^-30 <= s_x s_w / s_y <= 128  the factor between sum and output fits a kernel's fixed point

A channel without a weight that is alive (`idle_weights`) has its bias alone to give, which s_x s_w <= s_y
rounds no coarser than its output.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import onnx_ir as ir

from edgecnn.errors import EdgeCnnError
from edgecnn.graph.activations import fused_activation
from edgecnn.graph.nodes import constant, output
from edgecnn.quantize.grid import Grid, weight_scales
from edgecnn.quantize.placement import Placement, Weight

BIAS = 2.0**30
LEAST_FACTOR, LARGEST_FACTOR = 2.0**-30, 128.0
COARSE = 2.0  # s_x s_w / s_y beyond which a bias is rounded by more than a step of its output
_ROUNDING = 1e-3  # of a scale that was widened to be just large enough
Range = tuple[float, float]
Live = Mapping[ir.Value, np.ndarray]
_ALL_ALIVE: Live = MappingProxyType({})


@dataclass(frozen=True, kw_only=True)
class Grids:
    """Every scale: of activations by value, and of weights, float32 (c_out,) or ()."""

    activations: Mapping[ir.Value, Grid]
    weights: Mapping[ir.Value, np.ndarray]


def observed(placement: Placement) -> list[ir.Value]:
    """Return the values that have to be calibrated."""
    return [
        value
        for value in placement.activations
        if value not in placement.derived and value not in placement.fixed and constant(value) is None
    ]


def settle(
    placement: Placement,
    ranges: Mapping[str, Range],
    to_grid: Callable[[float, float], Grid],
    *,
    per_channel: bool,
    live: Live = _ALL_ALIVE,
) -> Grids:
    """Return the grids.

    Args:
        placement: what is quantized.
        ranges: of the values that `observed` names.
        to_grid: makes the grid of an activation's range.
        per_channel: whether each output channel of a weight has a scale of its own.
        live: of the weights that are partly idle, the part that decides their scales.
    """
    spans = _spans(placement, ranges)
    fixed = {placement.groups.find(value): grid for value, grid in placement.fixed.items()}
    while True:
        grids = {**{root: to_grid(*span) for root, span in spans.items()}, **fixed}
        found = {value: grids[placement.groups.find(value)] for value in placement.activations}
        weights = {
            each.value: _weight(each, found, live.get(each.value), per_channel) for each in placement.weights
        }
        wider = _too_narrow(placement, found, weights)
        if not wider:
            return Grids(activations=found, weights=weights)
        for root, factor in wider.items():
            low, high = spans[root]
            spans[root] = (low * factor, high * factor)


def _spans(placement: Placement, ranges: Mapping[str, Range]) -> dict[ir.Value, Range]:
    """Return the range of each group whose grid no operator dictates, by the group's representative."""
    fixed = {placement.groups.find(value) for value in placement.fixed}
    spans: dict[ir.Value, Range] = {}
    for members in placement.groups.sets(placement.activations):
        root = placement.groups.find(members[0])
        if root not in fixed:
            known = [_range(value, ranges) for value in members if value not in placement.derived]
            spans[root] = min(low for low, _ in known), max(high for _, high in known)
    return spans


def _range(value: ir.Value, ranges: Mapping[str, Range]) -> Range:
    array = constant(value)
    if array is not None:
        return float(array.min()), float(array.max())
    try:
        return ranges[str(value.name)]
    except KeyError:
        raise EdgeCnnError(f"the calibration has no range for {value.name!r}") from None


def written(node: ir.Node) -> ir.Value:
    """Return what a layer writes: its own output, or that of the activation it applies itself."""
    follower = fused_activation(node)
    return output(node if follower is None else follower)


def rounds_biases(weight: Weight, grids: Grids) -> bool:
    """Return whether a bias beside a weight is rounded by more than a step of its output in some channel."""
    node = weight.readers[0]
    source, target = _grid(grids.activations, node.inputs[0]), grids.activations.get(written(node))
    if source is None or target is None:
        return False
    return source.scale * float(grids.weights[weight.value].max()) > COARSE * target.scale


def _grid(grids: Mapping[ir.Value, Grid], value: ir.Value | None) -> Grid | None:
    return None if value is None else grids.get(value)


def _weight(
    weight: Weight, grids: Mapping[ir.Value, Grid], live: np.ndarray | None, per_channel: bool
) -> np.ndarray:
    array = constant(weight.value) if live is None else live
    assert array is not None
    axis = weight.axis if per_channel else None
    scales = weight_scales(array, axis)
    empty = ~array.any(axis=tuple(index for index in range(array.ndim) if index != axis))
    for node in weight.readers:
        source, target = _grid(grids, node.inputs[0]), grids.get(written(node))
        if source is not None and target is not None:
            scales = np.where(empty, np.minimum(scales, target.scale / source.scale), scales)
        if source is not None:
            least = np.maximum(
                _for_bias(node, source, scales),
                LEAST_FACTOR * (target.scale if target else 0) / source.scale,
            )
            scales = np.maximum(scales, least).astype(np.float32)
    return scales


def _for_bias(node: ir.Node, source: Grid, scales: np.ndarray) -> np.ndarray:
    """Return the least weight scales with which the bias fits, () or (c_out,) as `scales`."""
    bias = constant(node.inputs[2]) if len(node.inputs) > 2 else None
    if bias is None:
        return np.zeros(scales.shape)
    needed = np.abs(bias.astype(np.float64)).reshape(-1) / (BIAS * source.scale)
    return needed if needed.shape == scales.shape else np.full(scales.shape, needed.max())


def _too_narrow(
    placement: Placement, grids: Mapping[ir.Value, Grid], weights: Mapping[ir.Value, np.ndarray]
) -> dict[ir.Value, float]:
    """Return by how much groups have to be widened for their factors to be no larger than allowed."""
    wider: dict[ir.Value, float] = {}
    for weight in placement.weights:
        for node in weight.readers:
            source, target = _grid(grids, node.inputs[0]), grids.get(written(node))
            if source is None or target is None or written(node) in placement.fixed:
                continue
            root = placement.groups.find(written(node))
            factor = source.scale * float(weights[weight.value].max()) / target.scale / LARGEST_FACTOR
            if factor > 1 + _ROUNDING:
                wider[root] = max(factor, wider.get(root, 1.0))
    return wider
