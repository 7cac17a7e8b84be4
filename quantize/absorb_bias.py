"""Bias absorption: what a layer adds to every output of a channel moves into the next layer's bias.

    y = W2 f(W1 x + b1) + b2   →   y = W2 f(W1 x + b1 - c) + (b2 + W2 c)        f(x - c) = f(x) - c, x >= c
    c_i = max(0, E[x_i] - k σ[x_i]),  x = W1 x + b1 over pictures and positions, k = 3 unless told otherwise

before: equalization has divided a channel of small weights, and its bias with it, so that a constant decides
the range of the activation; after: the constant is where it costs nothing. Exact where c_i is no larger than
the smallest x_i; with k = 3 a normal distribution has 0.13 % of its values below c_i, and they are raised to
it. Source: Nagel et al. 2019, arXiv:1906.04721, §4.1.3. Unlike there, mean and deviation are
measured: after folding and equalization there are no statistics of a BatchNorm left to read them from.

A layer that pads with zeros begins with another sum at its borders, which no bias per channel can hold: pairs
whose second layer pads are left alone, and so is a channel that reaches the bound of a ReLU6.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import onnx_ir as ir

from edgecnn.calls import Value
from edgecnn.errors import EdgeCnnError
from edgecnn.graph.nodes import attribute, output, static_shape
from edgecnn.quantize.biases import give_bias, shift_bias
from edgecnn.quantize.channels import layer
from edgecnn.quantize.context import Context
from edgecnn.quantize.layer_pairs import LayerPair, find_pairs
from edgecnn.quantize.passes import Result, compression_pass
from edgecnn.quantize.pictures import cut_up
from edgecnn.runtime.onnx_runner import OnnxRunner


@dataclass(kw_only=True)
class _Seen:
    """What the channels of one layer's output reached so far, (channels,) each."""

    lowest: np.ndarray
    highest: np.ndarray
    total: np.ndarray
    squares: np.ndarray
    count: int = 0

    def add(self, values: np.ndarray) -> None:
        """Take in values (n, c, ...)."""
        others = tuple(axis for axis in range(values.ndim) if axis != 1)
        self.lowest = np.minimum(self.lowest, values.min(axis=others))
        self.highest = np.maximum(self.highest, values.max(axis=others))
        self.total += values.sum(axis=others, dtype=np.float64)
        self.squares += np.square(values, dtype=np.float64).sum(axis=others)
        self.count += values.size // values.shape[1]

    @property
    def mean(self) -> np.ndarray:
        """The mean of each channel."""
        return np.asarray(self.total / self.count)

    @property
    def deviation(self) -> np.ndarray:
        """The standard deviation of each channel."""
        return np.asarray(np.sqrt(np.maximum(self.squares / self.count - self.mean**2, 0.0)))


def _check(settings: Mapping[str, Value]) -> None:
    if not 0 <= float(settings["deviations"]) < np.inf:
        raise EdgeCnnError(f"deviations is {settings['deviations']}; give a number from 0, such as 3")


@compression_pass(lossless=False, needs=("images",), after=("fold",), check=_check)
def absorb_bias(model: ir.Model, *, context: Context, deviations: float = 3.0) -> Result:
    """Move constant parts of activations into the next bias; of a normal distribution 0.13 % are raised."""
    clone = model.clone()
    pairs = [pair for pair in find_pairs(clone).found if _passes_shifts_on(pair)]
    able = [pair for pair in pairs if not _pads(pair.second)]
    seen = _seen(clone, able, context)
    found = {pair: _constants(pair, seen[pair.first], deviations) for pair in able}
    moved = {pair: shift for pair, shift in found.items() if shift.any()}
    for pair, shift in moved.items():
        _move(clone.graph, pair, shift)
    note = _describe(moved, seen) if moved else "no channel has a constant part to move"
    padded = len(pairs) - len(able)
    note += f"; left: {padded} pairs before a layer that pads" if padded else ""
    return Result(model=clone, matched=len(moved), note=note)


def _describe(moved: Mapping[LayerPair, np.ndarray], seen: Mapping[ir.Node, _Seen]) -> str:
    channels = sum(int((shift > 0).sum()) for shift in moved.values())
    exact = sum(
        int(((shift > 0) & (shift <= seen[pair.first].lowest)).sum()) for pair, shift in moved.items()
    )
    largest = max(float(shift.max()) for shift in moved.values())
    return (
        f"{channels} channels between {len(moved)} pairs of layers moved, by {largest:.3g} at most;"
        f" {exact} of them exactly on these pictures"
    )


def _move(graph: ir.Graph, pair: LayerPair, shift: np.ndarray) -> None:
    """Take c (channels,) from the first layer's outputs and give the second what it made of it, in place."""
    second = layer(pair.second)
    assert second is not None
    for node, change in ((pair.first, -shift), (pair.second, second.response(shift))):
        give_bias(graph, node)
        shift_bias(graph, node, change)


def _constants(pair: LayerPair, seen: _Seen, deviations: float) -> np.ndarray:
    """Return c (channels,); 0 for a channel that reaches the bound of a clip, which would move, too."""
    shift = np.maximum(seen.mean - deviations * seen.deviation, 0.0)
    return np.where(seen.highest < pair.bound, shift, 0.0)


def _pads(node: ir.Node) -> bool:
    """Say whether a layer sees fewer of its taps at the border of its input than inside."""
    if node.op_type == "ConvTranspose":
        return True  # its taps overlap less at the border, whatever its pads
    padded = attribute(node, "auto_pad", "NOTSET") not in ("NOTSET", "VALID")
    return padded or any(attribute(node, "pads", ()))


def _passes_shifts_on(pair: LayerPair) -> bool:
    """Say whether everything between two layers gives f(x) - c for x - c."""
    value = output(pair.first)
    while (node := next(iter(value.uses())).node) is not pair.second:
        if node.op_type not in _SHIFTS or not _SHIFTS[node.op_type](node):
            return False
        value = output(node)
    return True


def _always(_node: ir.Node) -> bool:
    return True


def _averages_what_is_there(node: ir.Node) -> bool:
    return not attribute(node, "count_include_pad", 0) or not any(attribute(node, "pads", ()))


# Of what may stand between a pair: a Pad puts zeros beside values that c was taken from.
_SHIFTS: Mapping[str, Callable[[ir.Node], bool]] = {
    **dict.fromkeys("Relu Clip LeakyRelu PRelu MaxPool GlobalAveragePool GlobalMaxPool".split(), _always),
    **dict.fromkeys("ReduceMean Flatten Reshape Squeeze Resize".split(), _always),
    "AveragePool": _averages_what_is_there,
}


def _seen(model: ir.Model, pairs: Sequence[LayerPair], context: Context) -> dict[ir.Node, _Seen]:
    """Return what the output of each pair's first layer reaches on the pictures."""
    assert context.images is not None
    if not pairs:
        return {}
    first = {str(output(pair.first).name): pair for pair in pairs}
    found = {
        name: _Seen(
            lowest=np.full(pair.channels, np.inf),
            highest=np.full(pair.channels, -np.inf),
            total=np.zeros(pair.channels),
            squares=np.zeros(pair.channels),
        )
        for name, pair in first.items()
    }
    runner = OnnxRunner(model, outputs=list(first))
    for part in cut_up(context.images(), static_shape(model.graph.inputs[0])[0]):
        for name, values in runner.values(part).items():
            found[name].add(values)
    return {pair.first: found[name] for name, pair in first.items()}
