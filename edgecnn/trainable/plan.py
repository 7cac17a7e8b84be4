"""`Plan`: the graph as a list of functions on numbered places, made once and never changed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx_ir as ir

from edgecnn.errors import EdgeCnnError
from edgecnn.trainable.operators import Function
from edgecnn.trainable.weights import Weight

Places = tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class Step:
    """One node.

    Attributes:
        function: of torch tensors.
        reads: the places of its arguments.
        writes: the places of its results.
        frees: the places whose tensors nothing later reads.
        by_mode: whether the first argument is whether the module trains.
        spreads: whether the function returns a tuple.
    """

    function: Function
    reads: Places
    writes: Places
    frees: Places
    by_mode: bool
    spreads: bool


@dataclass(frozen=True, kw_only=True)
class Plan:
    """All that a module does, its weights apart.

    The inputs have the first places, then come the weights.

    Attributes:
        model: the graph, for the way back; never changed.
        inputs: shapes of the inputs, with the graph's own batch.
        weights: parameters and statistics.
        constants: arrays that are read as tensors, by place.
        places: how many there are.
        outputs: their places.
    """

    model: ir.Model
    inputs: tuple[tuple[int, ...], ...]
    weights: tuple[Weight, ...]
    constants: Mapping[int, np.ndarray]
    steps: tuple[Step, ...]
    places: int
    outputs: Places

    def __deepcopy__(self, _memo: Any) -> "Plan":
        return self

    def check(self, shapes: Sequence[Sequence[int]]) -> None:
        """Raise where inputs of these shapes do not fit the graph, apart from how many images they are."""
        if len(shapes) != len(self.inputs):
            raise EdgeCnnError(f"the graph takes {len(self.inputs)} inputs, not {len(shapes)}")
        for given, wanted in zip(shapes, self.inputs, strict=True):
            if tuple(given[1:]) != wanted[1:] or len(given) != len(wanted) or not given[0]:
                sizes = " x ".join(["n", *map(str, wanted[1:])])
                raise EdgeCnnError(f"the graph takes images of shape {sizes}, not {tuple(given)}")
