"""`calibrate`: the ranges of a float graph's activations, observed on pictures.

One picture at a time goes through the graph in ONNX Runtime, and what is kept of an activation has a fixed
size: memory does not grow with the number of pictures.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import onnx_ir as ir

from edgecnn.errors import EdgeCnnError
from edgecnn.graph.nodes import static_shape
from edgecnn.quantize.observers import Observer, Seen, find_observer

FEW = 32  # with fewer pictures, ranges still grow visibly with every further one
_PIXELS = 16.0  # inputs this large are pixels that nobody normalized
Range = tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """What was observed.

    Attributes:
        ranges: lowest and highest number to represent, by the name of the value.
        count: of the pictures.
        sha256: over the bytes of the inputs, in order.
        observer: which chose the ranges.
        warnings: what looks wrong with the pictures.
    """

    ranges: Mapping[str, Range]
    count: int
    sha256: str
    observer: str
    warnings: tuple[str, ...] = ()


def calibrate(
    model: ir.Model,
    images: Callable[[], Iterable[np.ndarray]],
    names: Sequence[str],
    *,
    observer: Observer | str = "minmax",
    on_progress: Callable[[str, int, int], None] = lambda _what, _done, _of: None,
) -> Calibration:
    """Run pictures through a graph and return the ranges of the values named.

    Args:
        model: a float graph; its input may be among the values.
        images: gives float32 batches (n, c, h, w).
        names: of the values.
        observer: what makes a range of the numbers seen, or its name.
        on_progress: called with the number of pictures done; how many there are is not known before the end.

    Raises:
        EdgeCnnError: no pictures, or such as are not finite, all alike, constant or of another shape.
    """
    from edgecnn.runtime.onnx_runner import OnnxRunner

    observer = find_observer(observer) if isinstance(observer, str) else observer
    source = model.graph.inputs[0]
    seen = {name: observer.start() for name in names}
    inner = [name for name in names if name != source.name]
    runner = OnnxRunner(model, outputs=inner)
    pictures = _Pictures(static_shape(source))
    for batch in images():
        for picture in pictures.check(batch):
            values = {**runner.values(picture), str(source.name): picture}
            for name, each in seen.items():
                _add(each, values[name], f"{name!r} on calibration picture {pictures.count}")
            on_progress("calibrate", pictures.count, 0)
    warnings = pictures.judge()
    return Calibration(
        ranges={name: observer.choose(each) for name, each in seen.items()},
        count=pictures.count,
        sha256=pictures.digest.hexdigest(),
        observer=observer.name,
        warnings=warnings,
    )


def _add(seen: Seen, values: np.ndarray, what: str) -> None:
    try:
        seen.add(values)
    except EdgeCnnError as error:
        raise EdgeCnnError(f"{what} is not finite: {error}") from error


class _Pictures:
    """The inputs that went by: how many, their hash, and what they looked like."""

    def __init__(self, shape: Sequence[int]) -> None:
        self.shape, self.count, self.digest = tuple(shape), 0, hashlib.sha256()
        self._low, self._high = np.inf, -np.inf

    def check(self, batch: np.ndarray) -> Iterable[np.ndarray]:
        """Give the pictures of a batch one at a time, (1, c, h, w); raise for what cannot be used."""
        if batch.ndim != len(self.shape) or batch.shape[1:] != self.shape[1:]:
            wanted = " x ".join(map(str, self.shape[1:]))
            raise EdgeCnnError(f"the network takes pictures of {wanted}, calibration got {batch.shape[1:]}")
        batch = np.ascontiguousarray(batch, np.float32)
        for index in range(len(batch)):
            picture = batch[index : index + 1]
            low, high = float(picture.min()), float(picture.max())
            if not np.isfinite(low + high):
                raise EdgeCnnError(f"calibration picture {self.count} has values that are not finite")
            self._low, self._high = min(self._low, low), max(self._high, high)
            self.count += 1
            self.digest.update(picture.tobytes())
            yield picture

    def judge(self) -> tuple[str, ...]:
        """Return what looks wrong; raise where nothing can be learned from the pictures."""
        if not self.count:
            raise EdgeCnnError("there are no pictures to calibrate with; give some with --calibrate DATA")
        if self._low == self._high:
            raise EdgeCnnError(
                f"every number of the calibration pictures is {self._low:g}; give pictures as the network"
                " will see them"
            )
        found = []
        if self.count < FEW:
            found.append(f"{self.count} calibration pictures are few; ranges settle from {FEW} on")
        if max(-self._low, self._high) > _PIXELS:
            found.append(
                f"inputs range from {self._low:g} to {self._high:g}: were the pictures normalized?"
                " (--mean, --std)"
            )
        return tuple(found)
