"""Empirical bias correction: each layer's bias takes back the mean error that quantization gave its output.

    b_c   →   b_c + E[y_c] - E[y'_c]        y = W x + b in float, y' = Q(W) x' + b in the quantized graph

before: rounded weights shift the mean of a channel, and later layers add to it; after: over the calibration
pictures every layer's output has the mean that it has in float. Layer after layer in execution order, so that
x' already has every earlier correction; E runs over pictures and positions, and nothing is assumed about what
stands between two layers. Source: Nagel et al. 2019, arXiv:1906.04721, §4.2 and appendix D.

The pictures pass the graph once in float and, cut by cut, once quantized: between two layers the values that
are still to be read are kept as int8, as many pictures as `stages.py` holds.
"""

from collections.abc import Sequence

import numpy as np
import onnx_ir as ir

from edgecnn import units
from edgecnn.errors import EdgeCnnError
from edgecnn.graph.nodes import output
from edgecnn.graph.precision import scheme_of
from edgecnn.quantize.bare import pairs, round_weights, without_pairs
from edgecnn.quantize.biases import give_bias, shift_bias
from edgecnn.quantize.channels import LAYERS
from edgecnn.quantize.context import Context
from edgecnn.quantize.passes import Result, compression_pass
from edgecnn.quantize.stages import Held, Stage, cut, parts_within, run
from edgecnn.runtime.onnx_runner import OnnxRunner

_CORRECTED = "edgecnn.biases_corrected"

Parts = list[np.ndarray]


@compression_pass(lossless=False, needs=("images",), after=("fold", "int8"), once=True)
def correct_bias(model: ir.Model, *, context: Context) -> Result:
    """Correct the biases of a quantized graph, so that every layer's output has its float mean."""
    if not pairs(model.graph):
        if scheme_of(model) is not None:
            return Result(model=model.clone(), matched=0, note="int8 found nothing to quantize")
        raise EdgeCnnError("correct_bias corrects a quantized graph; put int8 before it: int8 | correct_bias")
    if _CORRECTED in model.metadata_props:
        raise EdgeCnnError(
            "the biases are corrected already; correct_bias can run once, since it changes them"
        )
    clone = model.clone()
    clone.metadata_props[_CORRECTED] = "true"
    layers = [node for node in clone.graph if node.op_type in LAYERS]
    for layer in layers:
        give_bias(clone.graph, layer)
    rounded = round_weights(clone)
    stages = cut(rounded)
    parts = parts_within(context, rounded, stages)
    means = _float_means(without_pairs(clone), parts)
    corrected = _walk(rounded, stages, parts, means, context)
    for layer, shift in zip(layers, corrected, strict=True):
        shift_bias(clone.graph, layer, shift)
    largest = max((float(np.abs(shift).max(initial=0.0)) for shift in corrected), default=0.0)
    pictures = units.several(sum(len(part) for part in parts), "picture")
    note = f"{units.several(len(layers), 'layer')} corrected over {pictures}, by {largest:.3g} at most"
    return Result(model=clone, matched=len(layers), note=note)


def _walk(
    model: ir.Model, stages: Sequence[Stage], parts: Parts, means: Sequence[np.ndarray], context: Context
) -> list[np.ndarray]:
    """Correct the biases of `model`, in place, from the first layer to the last; return the corrections."""
    held: Held = {str(model.graph.inputs[0].name): parts}
    shifts = []
    for number, (stage, mean) in enumerate(zip(stages, means, strict=True)):
        total = _Mean()
        held = run(model, stage, held, total.add)
        shifts.append(mean - total.value)
        shift_bias(model.graph, stage.layer, shifts[-1])
        context.on_progress("correct biases", number + 1, len(stages))
    return shifts


class _Mean:
    """The mean of each channel over everything that was added."""

    def __init__(self) -> None:
        self._sum, self._count = np.zeros(()), 0

    def add(self, values: np.ndarray) -> None:
        """Add values (n, c, ...)."""
        others = tuple(axis for axis in range(values.ndim) if axis != 1)
        self._sum = self._sum + values.sum(axis=others, dtype=np.float64)
        self._count += values.size // values.shape[1]

    @property
    def value(self) -> np.ndarray:
        """The means (c,)."""
        return np.asarray(self._sum / self._count)


def _float_means(model: ir.Model, parts: Parts) -> list[np.ndarray]:
    """Return the mean (c,) of each layer's output in the float graph."""
    names = [str(output(node).name) for node in model.graph if node.op_type in LAYERS]
    runner = OnnxRunner(model, outputs=names)
    totals = {name: _Mean() for name in names}
    for part in parts:
        for name, values in runner.values(part).items():
            totals[name].add(values)
    return [totals[name].value for name in names]
