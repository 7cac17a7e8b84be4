"""What an operator of a `.tflite` file has to do, as terms that a latency is linear in.

    t = sum over operators of (fixed + a mult_adds + b steps + c bytes + ...) + per inference

A matrix kernel computes `rows` positions by `columns` output channels at once and reads `depth` input
channels together: mult-adds count as many as a tile holds, the last, partly empty one too; at each position
of the filter it begins anew (`steps`). Weights that the caches do not hold from one inference to the next are
read from further away, `cold_weights` from the next cache, `far_weights` from memory; so are maps that do not
fit (`spilled`).
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from edgecnn.graph.tflite_file import TfliteGraph, TfliteOperator, TfliteTensor

INFERENCE = "inference"
WEIGHTS = "network/weights"  # bytes of all weights of a network: a range, no term
_MEMORY = "memory"


@dataclass(frozen=True, kw_only=True)
class Tiles:
    """What the kernels compute at once, and how many bytes the caches next to them hold."""

    rows: int = 1
    columns: int = 8
    depth: int = 1
    cache_bytes: int = 1 << 20
    last_cache_bytes: int = 1 << 23


@dataclass(frozen=True, kw_only=True)
class LayerTerms:
    """An operator's terms by name, and the family whose coefficients they share."""

    name: str
    kind: str
    family: str
    terms: Mapping[str, float]


@dataclass(frozen=True, kw_only=True)
class _Ends:
    """The tensors of an operator: its image, its weights where it has any, and its result."""

    image: TfliteTensor
    weights: TfliteTensor | None
    result: TfliteTensor
    moved_bytes: int


def layer_terms(graph: TfliteGraph, kinds: list[str], tiles: Tiles) -> list[LayerTerms]:
    """Return the terms of every operator of a file, in order; `kinds` are how a profile calls them."""
    weights = weight_bytes(graph)
    found = []
    for operator, kind in zip(graph.operators, kinds, strict=True):
        ends = _ends(operator, graph)
        family, terms = _FAMILIES.get(operator.name, _moves)(operator.name, ends, tiles)
        named = {f"{family}/{term}": value for term, value in {"fixed": 1.0, **terms}.items()}
        held = 0 if ends.weights is None else ends.weights.nbytes
        for term, cache in (("cold_weights", tiles.cache_bytes), ("far_weights", tiles.last_cache_bytes)):
            if weights > cache and held:
                named[f"{_MEMORY}/{term}"] = float(held)
        if ends.moved_bytes - held > tiles.cache_bytes:
            named[f"{_MEMORY}/spilled"] = float(ends.moved_bytes - held)
        found.append(LayerTerms(name=ends.result.name, kind=kind, family=family, terms=named))
    return found


def weight_bytes(graph: TfliteGraph) -> int:
    """Return the bytes of all constants of a file."""
    return sum(tensor.nbytes for tensor in graph.tensors if tensor.content is not None)


def _ends(operator: TfliteOperator, graph: TfliteGraph) -> _Ends:
    inputs = [graph.tensors[index] for index in operator.inputs if index >= 0]
    constants = [each for each in inputs if each.content is not None]
    images = [each for each in inputs if each.content is None] or inputs
    results = [graph.tensors[index] for index in operator.outputs]
    return _Ends(
        image=images[0],
        weights=max(constants, key=lambda each: (len(each.shape), each.nbytes)) if constants else None,
        result=results[0],
        moved_bytes=sum(each.nbytes for each in (*inputs, *results)),
    )


Terms = tuple[str, dict[str, float]]
_Rule = Callable[[str, _Ends, Tiles], Terms]


def _up(value: int, tile: int) -> int:
    return math.ceil(value / tile) * tile


def _convolution(_name: str, ends: _Ends, tiles: Tiles) -> Terms:
    assert ends.weights is not None
    c_out, height, width, c_in = ends.weights.shape
    groups = max(1, ends.image.shape[-1] // c_in)
    positions, taps = math.prod(ends.result.shape[1:3]), height * width
    rows, columns = _up(positions, tiles.rows), _up(c_out // groups, tiles.columns) * groups
    depth = taps * _up(c_in, tiles.depth)
    family = "grouped convolution" if groups > 1 else "convolution 1x1" if taps == 1 else "convolution"
    return family, {
        "mult_adds": float(rows * columns * depth),
        "steps": float(rows * columns // tiles.columns * taps),
        "outputs": float(positions * c_out),
        "patches": float(positions * taps * c_in * groups),
        "weights": float(ends.weights.nbytes),
        **({"groups": float(groups)} if groups > 1 else {}),
    }


def _depthwise(_name: str, ends: _Ends, tiles: Tiles) -> Terms:
    assert ends.weights is not None
    _, height, width, channels = ends.weights.shape
    outputs = math.prod(ends.result.shape[1:3]) * _up(channels, tiles.columns)
    if height * width == 1:
        return "scaling by channel", {"outputs": float(outputs)}
    inputs = float(math.prod(ends.image.shape))
    return "depthwise convolution", {
        "mult_adds": float(outputs * height * width),
        "outputs": float(outputs),
        "inputs": inputs,
        "positions": float(math.prod(ends.result.shape[1:3])),
    }


def _dense(_name: str, ends: _Ends, tiles: Tiles) -> Terms:
    assert ends.weights is not None
    c_out, c_in = ends.weights.shape
    columns = _up(c_out, tiles.columns)
    return "fully connected", {"mult_adds": float(columns * c_in), "outputs": float(c_out)}


def _transposed(_name: str, ends: _Ends, tiles: Tiles) -> Terms:
    assert ends.weights is not None
    c_out, height, width, c_in = ends.weights.shape
    inputs = math.prod(ends.image.shape[1:3])
    work = inputs * height * width * c_in * _up(c_out, tiles.columns)
    return "transposed convolution", {
        "mult_adds": float(work),
        "outputs": float(math.prod(ends.result.shape)),
    }


def _pooling(name: str, ends: _Ends, tiles: Tiles) -> Terms:
    outputs = math.prod(ends.result.shape[1:3]) * _up(ends.result.shape[-1], tiles.columns)
    return name, {
        "outputs": float(outputs),
        "inputs": float(math.prod(ends.image.shape)),
        "positions": float(math.prod(ends.result.shape[1:3])),
    }


def _moves(name: str, ends: _Ends, _tiles: Tiles) -> Terms:
    """Return the terms of an operator that does little to each value; one of its own for each name."""
    return name, {"bytes": float(ends.moved_bytes)}


def _joins(name: str, ends: _Ends, _tiles: Tiles) -> Terms:
    positions = math.prod(ends.result.shape[:-1])
    return name, {"bytes": float(ends.moved_bytes), "positions": float(positions)}


_FAMILIES: dict[str, _Rule] = {
    "CONV_2D": _convolution,
    "DEPTHWISE_CONV_2D": _depthwise,
    "FULLY_CONNECTED": _dense,
    "TRANSPOSE_CONV": _transposed,
    **dict.fromkeys(("MAX_POOL_2D", "AVERAGE_POOL_2D"), _pooling),
    **dict.fromkeys(("CONCATENATION", "PAD", "PADV2", "SLICE"), _joins),
}
