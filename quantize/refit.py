"""What integer kernels need of the scales of a quantized graph, made so again after they were trained.

    |b| <= 2^30 s_x s_w            the bias fits int32 with room for the sum
    2^-30 <= s_x s_w / s_y <= 128  the factor between sum and output fits a kernel's fixed point

Weight scales that are too small are widened, as `grids` does it before training: they are those of channels
whose weights are next to nothing.
"""

import numpy as np
import onnx_ir as ir

from edgecnn.errors import EdgeCnnError
from edgecnn.graph.nodes import constant, describe
from edgecnn.quantize.grids import BIAS, LARGEST_FACTOR, LEAST_FACTOR, written
from edgecnn.quantize.placement import CHANNEL_AXES


def refit(model: ir.Model) -> ir.Model:
    """Return the graph with weight scales that integer kernels can compute with.

    Raises `EdgeCnnError` where a layer's factor has become too large, which no weight scale can mend.
    """
    clone = model.clone()
    for node in clone.graph:
        if node.op_type in CHANNEL_AXES:
            _refit(node)
    return clone


def _refit(node: ir.Node) -> None:
    pair, source = _behind(node.inputs[1]), _scale(node.inputs[0])
    if pair is None or source is None:
        return
    scales = [constant(each.inputs[1]) for each in pair]
    assert scales[0] is not None
    target = _target(node)
    least = np.maximum(_for_bias(node, source, scales[0].shape), LEAST_FACTOR * (target or 0.0) / source)
    if target is not None and source * float(scales[0].max()) / target > LARGEST_FACTOR:
        raise EdgeCnnError(
            f"the trained scales of {describe(node)} differ by more than an int8 kernel takes; give"
            " scales=false, or a smaller lr"
        )
    widened = np.maximum(scales[0], least).astype(scales[0].dtype)
    if (widened > scales[0]).any():
        for value in {each.inputs[1] for each in pair}:
            assert value is not None
            value.const_value = ir.Tensor(widened, name=value.name)


def _behind(value: ir.Value | None) -> tuple[ir.Node, ir.Node] | None:
    """Return the pair that a value comes from."""
    last = None if value is None else value.producer()
    first = last.inputs[0].producer() if last is not None and last.inputs and last.inputs[0] else None
    if (
        last is None
        or first is None
        or (first.op_type, last.op_type) != ("QuantizeLinear", "DequantizeLinear")
    ):
        return None
    return first, last


def _scale(value: ir.Value | None) -> float | None:
    pair = _behind(value)
    found = None if pair is None else constant(pair[0].inputs[1])
    return None if found is None or found.size != 1 else float(found.reshape(()))


def _target(node: ir.Node) -> float | None:
    """Return the scale of what a layer writes."""
    readers = [use.node for use in written(node).uses() if use.node.op_type == "QuantizeLinear"]
    found = constant(readers[0].inputs[1]) if readers else None
    return None if found is None else float(found.max())


def _for_bias(node: ir.Node, source: float, shape: tuple[int, ...]) -> np.ndarray:
    bias = constant(node.inputs[2]) if len(node.inputs) > 2 else None
    if bias is None:
        return np.zeros(shape)
    needed = np.abs(bias.astype(np.float64)).reshape(-1) / (BIAS * source)
    return needed.reshape(shape) if needed.size == np.prod(shape) else np.full(shape, needed.max())
