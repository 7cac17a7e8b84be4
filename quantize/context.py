"""`Context`: what a pass may use besides the graph."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
import onnx_ir as ir

from edgecnn.errors import UnknownNameError
from edgecnn.quantize.training import Training

SCHEMES = ("tflite", "tensorrt")


def _silent(_what: str, _done: int, _of: int) -> None:
    return None


@dataclass(frozen=True, kw_only=True)
class Context:
    """What a pass with a parameter named `context` gets.

    Attributes:
        images: gives float32 batches (n, c, h, w), preprocessed, the same every time it is called.
        pictures: gives more of them, for passes that fit weights; without it they take `images`.
        scheme: whose rules a quantized graph follows, one of `SCHEMES`.
        original: the graph as it was before the recipe; `compress` sets it where it is None.
        seed: of every random number.
        position: of the pass in the recipe, from 1; `compress` sets it. What belongs to one pass alone, such
            as its checkpoint, is named by it.
        training: what passes that train get; None where there are no pictures to train on.
        multiple: of the target's channels: counts of this multiple waste no lanes.
        latency: measures or predicts a graph's latency in seconds; None where nobody can.
        narrower: gives the same network of the zoo, without weights, at a fraction of its width; None where
            the graph is none of the zoo's.
        on_progress: called with what is being done, how much of it is done, and of how much.
    """

    images: Callable[[], Iterable[np.ndarray]] | None = None
    pictures: Callable[[], Iterable[np.ndarray]] | None = None
    scheme: str = "tflite"
    original: ir.Model | None = None
    seed: int = 0
    position: int = 0
    training: Training | None = None
    multiple: int = 1
    latency: Callable[[ir.Model], float] | None = None
    narrower: Callable[[float], ir.Model] | None = None
    on_progress: Callable[[str, int, int], None] = _silent

    def __post_init__(self) -> None:
        if self.scheme not in SCHEMES:
            raise UnknownNameError("scheme", self.scheme, SCHEMES)

    @property
    def samples(self) -> Callable[[], Iterable[np.ndarray]] | None:
        """What gives the most pictures that there are; None where there are none."""
        return self.pictures or self.images

    @property
    def labels(self) -> Training | None:
        """The training pictures where they have labels or masks, else None."""
        return self.training if self.training is not None and self.training.labelled else None
