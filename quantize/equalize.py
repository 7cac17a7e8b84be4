"""Cross-layer equalization: the ranges of the channels that two layers share are made equal.

    y = W2 f(W1 x + b1) + b2   →   y = (W2 S) f(S⁻¹ W1 x + S⁻¹ b1) + b2        f(s x) = s f(x), s > 0
    s_i = √(r1_i / r2_i)      r1_i = max(|W1_i|, |b1_i|), output channel i; r2_i = max |W2_i|, input channel i

before: a channel with small weights beside one with large ones, which decide the scale of both;
after: both channels use the whole range, r1_i / s_i = r2_i s_i = √(r1_i r2_i), and the output is the same.
Source: Nagel et al. 2019, arXiv:1906.04721, eq. 6 to 11; Meller et al. 2019, arXiv:1902.01917. Unlike there
the bias counts in r1: a channel of small weights and a large bias would else be scaled until its constant
alone decided the range of the activation. And a ReLU6 stays one: its bound is the same for all channels, so
a pair with one between is left alone here; `equalize_clipped` scales what pictures leave room for.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import onnx_ir as ir

from edgecnn.quantize.channels import Layer, layer
from edgecnn.quantize.layer_pairs import LayerPair, find_pairs
from edgecnn.quantize.passes import Result, compression_pass

_SWEEPS = 200
_CONVERGED = (
    1e-3  # relative change of any scale in a sweep; a thousandth of a range is less than its rounding
)
LARGEST_SCALE = 2.0**12  # float16 still holds what it makes of ordinary weights
_WIDEST = (np.array(1 / LARGEST_SCALE), np.array(LARGEST_SCALE))

Limits = Mapping[ir.Node, tuple[np.ndarray, np.ndarray]]


@compression_pass(lossless=True, after=("fold",))
def equalize(model: ir.Model) -> Result:
    """Equalize the ranges of channels across layers, through ReLU, pooling and Flatten."""
    clone = model.clone()
    pairs = find_pairs(clone)
    chosen = [pair for pair in pairs.found if pair.clip is None]
    scales = balance(chosen)
    rescale(clone.graph, chosen, scales)
    clipped = len(pairs.found) - len(chosen)
    left = [f"{clipped} through a clip, see equalize_clipped"] * bool(clipped) + [pairs.reasons] * bool(
        pairs.left
    )
    return Result(model=clone, matched=len(chosen), note=describe(len(chosen), left))


def describe(matched: int, left: Sequence[str]) -> str:
    """Say how many pairs were equalized and what was left and why."""
    done = f"{matched} pairs of layers equalized" if matched else "no two layers share channels alone"
    return f"{done}; left: {', '.join(left)}" if left else done


def balance(pairs: Sequence[LayerPair], limits: Limits | None = None) -> list[np.ndarray]:
    """Return s (channels,) of each pair: the first layer is to be divided by it, the second multiplied.

    Pairs that share a layer, as in convolution → depthwise → pointwise, are balanced in turns until no scale
    changes by more than a hundredth.

    Args:
        pairs: as `find_pairs` gives them.
        limits: by first layer, the least and the greatest s allowed, (channels,) each.
    """
    scales = [np.ones(pair.channels) for pair in pairs]
    taps = _Taps(pairs)
    for _ in range(_SWEEPS):
        change = 0.0
        for index, pair in enumerate(pairs):
            least, greatest = (limits or {}).get(pair.first, _WIDEST)
            scale = np.clip(scales[index] * _step(*taps.ranges(pair)), least, greatest)
            taps.rescale(pair, scale / scales[index])
            change = max(change, float(np.abs(scale / scales[index] - 1).max(initial=0.0)))
            scales[index] = scale
        if change < _CONVERGED:
            break
    return scales


def _step(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return s_i = √(r1_i / r2_i), eq. 11; 1 for a channel that either layer ignores."""
    dead = (first == 0) | (second == 0)
    return np.where(dead, 1.0, np.sqrt(np.where(dead, 1.0, first) / np.where(dead, 1.0, second)))


class _Taps:
    """The largest tap (groups, c_out / groups, c_in / groups) between each two channels of the layers."""

    def __init__(self, pairs: Sequence[LayerPair]) -> None:
        channels = {pair.second: pair.channels for pair in pairs}
        layers = {node: _required(node) for pair in pairs for node in (pair.first, pair.second)}
        self._bias = {node: np.abs(found.bias) for node, found in layers.items() if found.bias is not None}
        self._taps = {node: found.largest(channels.get(node, found.inputs)) for node, found in layers.items()}

    def ranges(self, pair: LayerPair) -> tuple[np.ndarray, np.ndarray]:
        """Return r1 and r2 (channels,)."""
        first = self._taps[pair.first].max(axis=2).reshape(-1)
        bias = self._bias.get(pair.first)
        first = first if bias is None else np.maximum(first, bias)
        return first, self._taps[pair.second].max(axis=1).reshape(-1)

    def rescale(self, pair: LayerPair, scale: np.ndarray) -> None:
        """Divide the first layer's outputs and multiply the second's inputs by (channels,)."""
        first, second = self._taps[pair.first], self._taps[pair.second]
        first /= scale.reshape(first.shape[0], -1, 1)
        second *= scale.reshape(second.shape[0], 1, -1)
        if pair.first in self._bias:
            self._bias[pair.first] = self._bias[pair.first] / scale


def _required(node: ir.Node) -> Layer:
    found = layer(node)
    assert found is not None
    return found


def rescale(graph: ir.Graph, pairs: Sequence[LayerPair], scales: Sequence[np.ndarray]) -> None:
    """Divide the first layer of each pair by the pair's scales and multiply the second, in place."""
    into = {pair.second: scale for pair, scale in zip(pairs, scales, strict=True)}
    out_of = {pair.first: scale for pair, scale in zip(pairs, scales, strict=True)}
    for node in dict.fromkeys([*out_of, *into]):
        _required(node).scaled(into.get(node), out_of.get(node)).write(graph)
