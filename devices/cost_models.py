"""How the latency of each runtime is made of terms, and which tiles are tried to make it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from edgecnn.devices import layer_terms
from edgecnn.devices.gpu_kernels import kernels_of
from edgecnn.devices.gpu_terms import GpuTiles, inference_terms, kernel_terms
from edgecnn.devices.layer_terms import Tiles
from edgecnn.devices.terms import INFERENCE, LayerTerms
from edgecnn.graph.tflite_file import TfliteGraph, read_tflite
from edgecnn.profile.tflite_profile import kind

LITERT, TENSORRT = "litert", "tensorrt"


@dataclass(frozen=True, kw_only=True)
class CostModel:
    """What a runtime does with a network, as terms.

    Attributes:
        read: from what is compiled for the runtime to the graph that the others take.
        layers: the terms of every layer of a graph, under tiles.
        inference: the terms that a graph has besides its layers.
        weight_bytes: of all constants of a graph.
        tiles: the record of what its kernels compute at once.
        starts: tiles to begin with.
        choices: by field of the tiles, what else is tried.
    """

    read: Callable[[Any], Any]
    layers: Callable[[Any, Any], list[LayerTerms]]
    inference: Callable[[Any], Mapping[str, float]]
    weight_bytes: Callable[[Any], int]
    tiles: type
    starts: tuple[Any, ...]
    choices: Mapping[str, tuple[int, ...]]


def _operators(graph: TfliteGraph, tiles: Tiles) -> list[LayerTerms]:
    kinds = [kind(operator, graph) for operator in graph.operators]
    return layer_terms.layer_terms(graph, kinds, tiles)


COST_MODELS: Mapping[str, CostModel] = {
    LITERT: CostModel(
        read=read_tflite,
        layers=_operators,
        inference=lambda _graph: {INFERENCE: 1.0},
        weight_bytes=layer_terms.weight_bytes,
        tiles=Tiles,
        starts=(  # the kernels of XNNPACK: float32 and int8 with AVX-512, with AVX2, with NEON
            Tiles(rows=7, columns=32, narrow=16, depth=1, lanes=16),
            Tiles(rows=7, columns=16, narrow=16, depth=8, lanes=16),
            Tiles(rows=5, columns=16, narrow=16, depth=1, lanes=8),
            Tiles(rows=3, columns=8, narrow=8, depth=8, lanes=16),
            Tiles(rows=6, columns=8, narrow=8, depth=1, lanes=8),
            Tiles(rows=4, columns=16, narrow=16, depth=4, lanes=16),
            Tiles(rows=2, columns=8, narrow=8, depth=8, lanes=8),
        ),
        choices={
            "cache_bytes": (1 << 17, 1 << 18, 1 << 19, 1 << 20, 1 << 21, 1 << 22),
            "last_cache_bytes": (1 << 18, 1 << 20, 1 << 22, 1 << 23, 1 << 24, 1 << 25, 1 << 26),
            "first_cache_bytes": (1 << 14, 1 << 15, 1 << 16, 1 << 17),
            "rows": (1, 2, 3, 4, 5, 6, 7, 8, 12),
            "lanes": (4, 8, 16, 32),
            "depth": (1, 2, 4, 8),
        },
    ),
    TENSORRT: CostModel(
        read=kernels_of,
        layers=kernel_terms,
        inference=inference_terms,
        weight_bytes=lambda graph: int(graph.weight_bytes),
        tiles=GpuTiles,
        starts=tuple(
            GpuTiles(rows=rows, columns=columns, balance=balance)
            for rows, columns in ((32, 32), (64, 64), (128, 64), (128, 128))
            for balance in (0, 16, 128)
        ),
        choices={
            "rows": (16, 32, 64, 128, 256),
            "columns": (16, 32, 64, 128, 256),
            "depth": (1, 4, 8, 16, 32),
            "balance": (0, 4, 8, 16, 32, 64, 128, 256),
            # of Jetsons from TX2 to Thor, then of larger GPUs; 1 counts no waves
            "processors": (1, 2, 6, 8, 16, 20, 48, 84, 132),
        },
    ),
}
