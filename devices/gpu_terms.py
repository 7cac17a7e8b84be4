"""What a kernel of a TensorRT engine has to do, as terms that a latency is linear in.

    t = sum over kernels of (fixed + a max(mult-adds, balance bytes) + b bytes + c weights)
        + per inference + d bytes copied

A matrix kernel is computed in tiles of `rows` positions by `columns` output channels, whose input channels
come in multiples of `depth`; the last, partly empty tile costs as much as the others, and so does the last,
partly empty wave of tiles over the GPU's `processors`. While a byte is moved `balance` mult-adds are done,
and the longer of both counts: with b and c at 0 that is the roofline, with a balance of 0 the sum. Whatever
the coefficients, less to compute and to move never takes longer. Source of the roofline: Williams, Waterman
and Patterson, CACM 52 (4), 2009; of tiles and waves: NVIDIA, Matrix Multiplication Background User's Guide.
"""

import math
from dataclasses import dataclass

from edgecnn.devices.gpu_kernels import (
    CONVOLUTION,
    DENSE,
    DEPTHWISE,
    GROUPED,
    POINTWISE,
    POOLING,
    REDUCTION,
    TRANSPOSED,
    GpuGraph,
    Kernel,
)
from edgecnn.devices.terms import INFERENCE, LayerTerms

_COPIED, _MOVED, _WEIGHTS = "inference/copied_bytes", "memory/moved_bytes", "memory/weight_bytes"
_TILED = (CONVOLUTION, GROUPED, TRANSPOSED)
_SHARED = (*_TILED, DENSE, DEPTHWISE, POINTWISE, POOLING, REDUCTION)  # move bytes at one rate
_NAMED_TAPS = {1: "1x1_mult_adds", 9: "3x3_mult_adds"}  # kernels of their own, each with its rate


@dataclass(frozen=True, kw_only=True)
class GpuTiles:
    """What a kernel computes at once, on how many processors, and mult-adds for each byte moved."""

    rows: int = 64
    columns: int = 64
    depth: int = 8
    processors: int = 1
    balance: int = 0


def kernel_terms(graph: GpuGraph, tiles: GpuTiles) -> list[LayerTerms]:
    """Return the terms of every kernel, in order."""
    return [_terms(kernel, tiles) for kernel in graph.kernels]


def inference_terms(graph: GpuGraph) -> dict[str, float]:
    """Return the terms that an inference has besides its kernels."""
    return {INFERENCE: 1.0, _COPIED: float(graph.copied_bytes)}


def _terms(kernel: Kernel, tiles: GpuTiles) -> LayerTerms:
    family = kernel.family
    if family in _SHARED:
        own, shared = _work(kernel, tiles), {_MOVED: kernel.moved_bytes, _WEIGHTS: kernel.weight_bytes}
    else:
        own, shared = {"bytes": float(kernel.moved_bytes + kernel.weight_bytes)}, {}
    named = {f"{family}/{term}": value for term, value in {"fixed": 1.0, **own}.items()}
    some = {term: float(value) for term, value in {**named, **shared}.items() if value}
    return LayerTerms(name=kernel.name, kind=kernel.kind, family=family, terms=some)


def _work(kernel: Kernel, tiles: GpuTiles) -> dict[str, float]:
    """Return the mult-adds of a kernel, at least as many as are done while its bytes move."""
    if kernel.family in (POINTWISE, REDUCTION):
        return {}
    if kernel.family in _TILED:
        term = _NAMED_TAPS.get(kernel.taps, "mult_adds") if kernel.family == CONVOLUTION else "mult_adds"
        work = _in_tiles(kernel, tiles)
    else:
        term = "mult_adds"
        work = kernel.groups * kernel.positions * kernel.columns * kernel.depth * kernel.taps
    return {term: float(max(work, tiles.balance * (kernel.moved_bytes + kernel.weight_bytes)))}


def _in_tiles(kernel: Kernel, tiles: GpuTiles) -> int:
    count = math.ceil(kernel.positions / tiles.rows) * math.ceil(kernel.columns / tiles.columns)
    waves = math.ceil(count * kernel.groups / tiles.processors)
    depth = kernel.taps * math.ceil(kernel.depth / tiles.depth) * tiles.depth
    return waves * tiles.processors * tiles.rows * tiles.columns * depth
