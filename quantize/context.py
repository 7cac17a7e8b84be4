"""`Context`: what a pass may use besides the graph."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
import onnx_ir as ir

from edgecnn.errors import UnknownNameError

SCHEMES = ("tflite", "tensorrt")


def _silent(_what: str, _done: int, _of: int) -> None:
    return None


@dataclass(frozen=True, kw_only=True)
class Context:
    """What a pass with a parameter named `context` gets.

    Attributes:
        images: gives float32 batches (n, c, h, w), preprocessed, the same every time it is called.
        scheme: whose rules a quantized graph follows, one of `SCHEMES`.
        original: the graph as it was before the recipe; `compress` sets it where it is None.
        seed: of every random number.
        latency: what a graph takes on the device, in seconds: predicted or measured.
        channel_multiple: of which multiple the device likes channels to be.
        on_progress: called with what is being done, how much of it is done, and of how much.
    """

    images: Callable[[], Iterable[np.ndarray]] | None = None
    scheme: str = "tflite"
    original: ir.Model | None = None
    seed: int = 0
    latency: Callable[[ir.Model], float] | None = None
    channel_multiple: int = 1
    on_progress: Callable[[str, int, int], None] = _silent

    def __post_init__(self) -> None:
        if self.scheme not in SCHEMES:
            raise UnknownNameError("scheme", self.scheme, SCHEMES)
