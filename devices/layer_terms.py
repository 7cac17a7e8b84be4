"""What an operator of a `.tflite` file has to do, as terms that a latency is linear in.

    t = sum over operators of (fixed + a mult_adds + b steps + c bytes + ...) + per inference

A matrix kernel computes `rows` positions by `columns` output channels at once and reads `depth` input
channels together: mult-adds count as many as a tile holds, the last, partly empty one too; at each position
of the filter it begins anew (`steps`). For few output channels there is a narrow kernel, with a rate of its
own, and for a single position one that does nothing but read weights. Weights, and the pointers by which
XNNPACK finds what a filter reads, that the caches do not hold from one inference to the next are read from
further away, cold ones from the next cache, far ones from memory, which takes longer where several tiles of
rows want them; so are maps that do not fit (`spilled`).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

from edgecnn.devices.terms import LayerTerms
from edgecnn.graph.tflite_file import TfliteGraph, TfliteOperator, TfliteTensor

_POINTER_BYTES, _FILTER_RANK = 8, 4
_MEMORY, _DENSE, _CONVOLUTION = "memory", "fully connected", "convolution"


@dataclass(frozen=True, kw_only=True)
class Tiles:
    """What the kernels compute at once, and how many bytes the caches hold, the nearest first.

    A kernel has `columns` output channels, a narrow one `narrow`, a depthwise one or a pool `lanes`.
    """

    rows: int = 1
    columns: int = 8
    narrow: int = 8
    depth: int = 1
    lanes: int = 8
    first_cache_bytes: int = 1 << 15
    cache_bytes: int = 1 << 20
    last_cache_bytes: int = 1 << 23


@dataclass(frozen=True, kw_only=True)
class _Ends:
    """The tensors of an operator: its image, its weights where it has any, and its result."""

    image: TfliteTensor
    weights: TfliteTensor | None
    result: TfliteTensor
    moved_bytes: int


def layer_terms(graph: TfliteGraph, kinds: list[str], tiles: Tiles) -> list[LayerTerms]:
    """Return the terms of every operator of a file, in order; `kinds` are how a profile calls them."""
    every = [_ends(operator, graph) for operator in graph.operators]
    held = weight_bytes(graph) + sum(map(_pointer_bytes, every))
    found = []
    for operator, kind, ends in zip(graph.operators, kinds, every, strict=True):
        family, terms = _FAMILIES.get(operator.name, _moves)(operator.name, ends, tiles)
        named = {f"{family}/{term}": value for term, value in {"fixed": 1.0, **terms}.items()}
        if family in (_CONVOLUTION, _DENSE):
            named |= _missed(family, ends, held, tiles)
        moved = ends.moved_bytes - _weight_bytes(ends)
        named[f"{_MEMORY}/spilled"] = float(moved if moved > tiles.cache_bytes else 0)
        some = {term: value for term, value in named.items() if value}
        found.append(LayerTerms(name=ends.result.name, kind=kind, family=family, terms=some))
    return found


def _missed(family: str, ends: _Ends, held: int, tiles: Tiles) -> dict[str, float]:
    """Return the bytes of weights and pointers that the caches lost since the inference before.

    A cache that holds all that an inference reads loses nothing, and everything where that is twice as much.
    """
    cold, far = (
        min(1.0, max(0.0, held / cache - 1)) for cache in (tiles.cache_bytes, tiles.last_cache_bytes)
    )
    weights = _weight_bytes(ends)
    # one sweep over all weights is fetched ahead as it goes; one that begins anew for further rows, less
    swept = "far_weights" if _positions(ends) <= tiles.rows else "far_weights_swept_again"
    missed = {f"{family}/cold_weights": cold * weights, f"{family}/{swept}": far * weights}
    pointers = _pointer_bytes(ends)
    if family == _CONVOLUTION and pointers and ends.weights is not None:
        # read again for each tile of columns; the more work between two of them, the less is waited for them
        c_out, height, width, c_in = ends.weights.shape
        again = math.ceil(c_out / _columns(c_out, height * width, tiles)) / math.ceil(c_in / tiles.depth)
        missed[f"{family}/cold_pointers"] = cold * pointers * again
    return missed


def _weight_bytes(ends: _Ends) -> int:
    return 0 if ends.weights is None else ends.weights.nbytes


def _positions(ends: _Ends) -> int:
    return math.prod(ends.result.shape[1:-1])


def _pointer_bytes(ends: _Ends) -> int:
    """Return the bytes of the pointers to what each tap of a filter reads, at each position."""
    if ends.weights is None or len(ends.weights.shape) != _FILTER_RANK:
        return 0
    taps = math.prod(ends.weights.shape[1:3])
    return _POINTER_BYTES * taps * _positions(ends) if taps > 1 else 0


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
    positions, taps = _positions(ends), height * width
    if positions == groups == 1:
        return _matrix_vector(c_out, c_in * taps, tiles)
    wide = _columns(c_out // groups, taps, tiles)
    calls = math.ceil(positions / tiles.rows) * math.ceil(c_out // groups / wide) * groups
    work = float(calls * tiles.rows * wide * taps * _up(c_in, tiles.depth))
    return _CONVOLUTION, {
        ("mult_adds" if wide == tiles.columns else "narrow_mult_adds"): work,
        "steps": float(calls * taps),
        "outputs": float(positions * c_out),
        "weights": float(ends.weights.nbytes),
    }


def _columns(c_out: int, taps: int, tiles: Tiles) -> int:
    """Return how many output channels at once the kernel computes that XNNPACK takes."""
    fewer = taps == 1 and _up(c_out, tiles.narrow) < _up(c_out, tiles.columns)
    return tiles.narrow if c_out < tiles.columns or fewer else tiles.columns


def _matrix_vector(c_out: int, c_in: int, tiles: Tiles) -> Terms:
    columns = _up(c_out, tiles.columns)
    return _DENSE, {"mult_adds": float(columns * c_in), "outputs": float(c_out)}


def _depthwise(_name: str, ends: _Ends, tiles: Tiles) -> Terms:
    assert ends.weights is not None
    _, height, width, channels = ends.weights.shape
    positions = _positions(ends)
    outputs = positions * _up(channels, tiles.lanes)
    if height * width == 1:
        return "scaling by channel", {"outputs": float(outputs)}
    streamed = positions * ends.weights.nbytes if ends.weights.nbytes > tiles.first_cache_bytes else 0
    return "depthwise convolution", {
        "mult_adds": float(outputs * height * width),
        "outputs": float(outputs),
        "inputs": float(math.prod(ends.image.shape)),
        "positions": float(positions),
        "ragged": float(positions * height * width if channels % tiles.lanes else 0),
        "streamed": float(streamed),
    }


def _dense(_name: str, ends: _Ends, tiles: Tiles) -> Terms:
    assert ends.weights is not None
    c_out, c_in = ends.weights.shape
    return _matrix_vector(c_out, c_in, tiles)


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
    positions, channels = _positions(ends), ends.result.shape[-1]
    return name, {
        "outputs": float(positions * _up(channels, tiles.lanes)),
        "inputs": float(math.prod(ends.image.shape)),
        "positions": float(positions),
        "ragged": float(positions if channels % tiles.lanes else 0),
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
