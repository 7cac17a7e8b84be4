"""Weights that meet nothing but zeros: on no calibration picture do they move an output by half a step.

    |w_oi| max |x_i| n <= s_y / 2        n weights that one output sums up, s_y the step of the outputs

before: they decide scales. A channel behind a ReLU that died in training is zero on every picture; the
BatchNorm of the depthwise layer that reads it divides by next to nothing, and folding makes its weights the
largest of the layer (Sheng et al. 2018, arXiv:1803.08607). With one scale for the whole weight little is left
of the others; with one for each channel the bias, int32 in steps of s_x s_w, is rounded by more than s_y, and
it is all that such a channel gives. So too the taps of a kernel that only padding meets.
after: the rest of the weight decides the scales, and the idle ones are clipped to what these hold.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np
import onnx_ir as ir

from edgecnn.graph.nodes import attribute, constant, output, static_shape
from edgecnn.quantize.channels import Layer, layer
from edgecnn.quantize.grid import HIGHEST
from edgecnn.quantize.grids import Grids, rounds_biases, written
from edgecnn.quantize.pictures import cut_up
from edgecnn.quantize.placement import Placement, Weight

_MOVED = 0.5  # of a step
_ROUNDING = 0.01  # of a weight's own step: scales are float32
Images = Callable[[], Iterable[np.ndarray]]


def live_weights(
    model: ir.Model, placement: Placement, grids: Grids, images: Images
) -> dict[ir.Value, np.ndarray]:
    """Return the weights of which some are idle, with zeros in their place.

    Args:
        model: the float graph that is quantized.
        placement: of it.
        grids: chosen as if all weights were alive; where none can do harm, the pictures are not run again.
        images: the calibration pictures.
    """
    layers = [found for weight in placement.weights if (found := _suspect(weight, grids)) is not None]
    reached = _reached(model, [found.node for found in layers], images)
    live = {}
    for found in layers:
        value, source = found.node.inputs[1], found.node.inputs[0]
        assert value is not None
        assert source is not None
        step = grids.activations[written(found.node)].scale
        idle = _idle(found, reached[str(source.name)], step)
        if (idle & (found.matrices != 0)).any():
            live[value] = found.with_matrices(np.where(idle, 0, found.matrices), found.bias).weight
    return live


def clip_idle(placement: Placement, grids: Grids, live: Mapping[ir.Value, np.ndarray]) -> str:
    """Clip weights, in place, to what their scales hold; return which channels were left with none alive."""
    dead: dict[str, tuple[int, int]] = {}
    for weight in placement.weights:
        array, scales = constant(weight.value), grids.weights[weight.value]
        if weight.value not in live or array is None:
            continue
        along = [-1 if index == weight.axis else 1 for index in range(array.ndim)]
        bound = (HIGHEST + _ROUNDING) * (scales.reshape(along) if scales.ndim else scales).astype(np.float64)
        others = tuple(index for index in range(array.ndim) if index != weight.axis)
        beyond = (np.abs(array) > bound).any(axis=others)
        if beyond.any():
            changed = np.clip(array, -bound, bound).astype(array.dtype)
            weight.value.const_value = ir.Tensor(changed, name=weight.value.name)
        found = beyond & ~live[weight.value].any(axis=others)
        if found.any():
            dead[str(weight.readers[0].name)] = int(found.sum()), len(found)
    return _described(dead)


def _described(dead: Mapping[str, tuple[int, int]]) -> str:
    if not dead:
        return ""
    worst = max(dead, key=lambda name: dead[name][0])
    number, of = dead[worst]
    total = sum(count for count, _ in dead.values())
    return (
        f"{total} channels, among them {number} of the {of} of {worst}, read nothing but zeros on these"
        " pictures: their weights decide no scale"
    )


def coarse_biases(placement: Placement, grids: Grids) -> str:
    """Say where a bias would still be rounded by more than a step of its output; nothing where none is."""
    found = [str(each.readers[0].name) for each in placement.weights if rounds_biases(each, grids)]
    if not found:
        return ""
    return (
        f"{', '.join(found)}: a bias in int32 is rounded by more than a step of the output, since what its"
        " channel reads hardly moves; equalize before int8 mends that"
    )


def _suspect(weight: Weight, grids: Grids) -> Layer | None:
    """Return the layer that reads a weight, where idle ones may do harm."""
    found = layer(weight.readers[0])
    if (
        found is None
        or found.node.inputs[0] not in grids.activations
        or written(found.node) not in grids.activations
    ):
        return None
    whole = not grids.weights[weight.value].ndim
    return found if whole or rounds_biases(weight, grids) else None


def _reached(model: ir.Model, nodes: Sequence[ir.Node], images: Images) -> dict[str, np.ndarray]:
    """Return the largest magnitude (c_in,) of each channel that the nodes read, over the pictures."""
    from edgecnn.runtime.onnx_runner import OnnxRunner

    names = {str(node.inputs[0].name) for node in nodes if node.inputs[0] is not None}
    if not names:
        return {}
    (source,) = model.graph.inputs
    runner = OnnxRunner(model, outputs=sorted(names - {str(source.name)}))
    reached: dict[str, np.ndarray] = {}
    for part in cut_up(images(), static_shape(source)[0]):
        values = {**runner.values(part), str(source.name): part}
        for name in names:
            others = tuple(axis for axis in range(values[name].ndim) if axis != 1)
            found = np.abs(values[name]).max(axis=others)
            reached[name] = np.maximum(found, reached.get(name, found))
    return reached


def _idle(found: Layer, reached: np.ndarray, step: float) -> np.ndarray:
    """Return bool, shaped as `Layer.matrices`: which weights move no output by half a step."""
    node = found.node
    groups = attribute(node, "group", 1) if node.op_type != "Gemm" else 1
    taps = _met(node) if node.op_type == "Conv" else np.ones(math.prod(found.weight.shape[2:]), bool)
    columns = (reached.reshape(groups, 1, -1, 1) * taps).reshape(groups, 1, -1)
    moved = np.abs(found.matrices.astype(np.float64) * attribute(node, "alpha", 1.0)) * columns
    return np.asarray(moved * found.columns <= _MOVED * step)


def _met(conv: ir.Node) -> np.ndarray:
    """Return bool (taps,): which taps of a convolution ever meet its input, and not its padding alone."""
    given, weight = conv.inputs[:2]
    assert given is not None
    assert weight is not None
    size, place = static_shape(weight)[2:], static_shape(given)[2:]
    met = np.ones(size, bool)
    if attribute(conv, "auto_pad", "NOTSET") != "NOTSET":
        return met.reshape(-1)
    strides, dilations = (attribute(conv, name, (1,) * len(size)) for name in ("strides", "dilations"))
    pads = attribute(conv, "pads", (0,) * (2 * len(size)))
    for axis, taps in enumerate(size):
        starts = np.arange(static_shape(output(conv))[2 + axis]) * strides[axis] - pads[axis]
        at = starts[:, None] + np.arange(taps) * dilations[axis]
        inside = ((at >= 0) & (at < place[axis])).any(axis=0)
        met &= inside.reshape([-1 if index == axis else 1 for index in range(len(size))])
    return met.reshape(-1)
