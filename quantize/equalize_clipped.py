"""Cross-layer equalization through ReLU6, within the room that pictures leave below its bound.

    y = W2 c(W1 x + b1)   →   y = (W2 S) c(S⁻¹ (W1 x + b1))        c(x) = min(max(x, 0), 6)
    s_i = max(√(r1_i / r2_i), (1 + m) max x_i / 6)    where (1 + m) max x_i < 6; else s_i = 1

The scale may not move values across the bound: c(x / s) = c(x) / s holds while x and x / s both stay below
it. max x_i is what calibration pictures reach in channel i, m a margin; a channel that reaches the bound is
left as it is. So the output is the same on those pictures, and others lose what exceeds the margin. Scaling
the bound with the channel would be exact, at the price of one more operator over every activation, which no
int8 kernel fuses; turning the ReLU6 into a ReLU, as in Nagel et al. 2019, §5.1.1, changes the network: it
cost MobileNet-v1 with ReLU6 9 points of accuracy in float. See `equalize` for the rest and for sources.
"""

from collections.abc import Sequence

import numpy as np
import onnx_ir as ir

from edgecnn.graph.nodes import output, static_shape
from edgecnn.quantize.context import Context
from edgecnn.quantize.equalize import LARGEST_SCALE, balance, describe, rescale
from edgecnn.quantize.layer_pairs import LayerPair, find_pairs
from edgecnn.quantize.passes import Result, compression_pass
from edgecnn.quantize.pictures import cut_up
from edgecnn.runtime.onnx_runner import OnnxRunner

_MARGIN = 0.1


@compression_pass(lossless=False, needs=("images",), after=("fold",))
def equalize_clipped(model: ir.Model, *, context: Context) -> Result:
    """Equalize across layers as `equalize`, and through ReLU6 where no picture comes near its bound."""
    clone = model.clone()
    found = find_pairs(clone)
    clipped = [pair for pair in found.found if pair.clip is not None]
    limits = {}
    if clipped:
        reached = _reached(clone, clipped, context)
        limits = {pair.first: _limits(reached[pair.first], pair.bound) for pair in clipped}
    scales = balance(found.found, limits)
    rescale(clone.graph, found.found, scales)
    note = describe(len(found.found), [found.reasons] * bool(found.left))
    fixed = sum(int((least == greatest).sum()) for least, greatest in limits.values())
    channels = sum(pair.channels for pair in clipped)
    note += f"; {fixed} of {channels} channels reach the bound of a clip" if clipped else ""
    return Result(model=clone, matched=len(found.found), note=note)


def _reached(model: ir.Model, pairs: Sequence[LayerPair], context: Context) -> dict[ir.Node, np.ndarray]:
    """Return the largest value (channels,) that each pair's clip lets through, over the pictures."""
    assert context.images is not None
    names = {str(output(pair.clip).name): pair for pair in pairs if pair.clip is not None}
    runner = OnnxRunner(model, outputs=list(names))
    size = static_shape(model.graph.inputs[0])[0]
    largest = {name: np.zeros(pair.channels) for name, pair in names.items()}
    for part in cut_up(context.images(), size):
        for name, values in runner.values(part).items():
            others = tuple(axis for axis in range(values.ndim) if axis != 1)
            largest[name] = np.maximum(largest[name], values.max(axis=others))
    return {pair.first: largest[name] for name, pair in names.items()}


def _limits(reached: np.ndarray, bound: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the least and the greatest scale of each channel; 1 where it reaches the bound."""
    needed = reached * (1 + _MARGIN)
    free = needed < bound
    least = np.where(free, np.maximum(needed / bound, 1 / LARGEST_SCALE), 1.0)
    return least, np.where(free, LARGEST_SCALE, 1.0)
