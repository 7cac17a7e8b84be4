"""How often a network, on whatever runtime, names the right class."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from edgecnn.errors import EdgeCnnError
from edgecnn.preprocessing import Preprocessing
from edgecnn.runtime import Runner

_TOP = 5


@dataclass(frozen=True, kw_only=True, eq=False)
class Metrics:
    """What was measured on labelled images, image by image, so that two artifacts can be compared.

    Attributes:
        labels: int64 (n,).
        predicted: int64 (n,), the class of the highest score; of equal ones the first.
        rank: int64 (n,), how many classes come before the right one.
    """

    labels: np.ndarray
    predicted: np.ndarray
    rank: np.ndarray

    @property
    def n(self) -> int:
        """Return the number of images."""
        return len(self.labels)

    @property
    def correct(self) -> np.ndarray:
        """Return bool (n,): whether the network named the right class."""
        return np.asarray(self.rank == 0)

    @property
    def top1(self) -> float:
        """Return the fraction of images whose right class comes first."""
        return float(self.correct.mean())

    @property
    def top5(self) -> float:
        """Return the fraction of images whose right class is among the first five."""
        return float((self.rank < _TOP).mean())

    def differences(self, other: "Metrics") -> int:
        """Return on how many images another artifact names another class."""
        return int((self.predicted != other.predicted).sum())

    def to_json(self) -> dict[str, Any]:
        """Return the figures as plain JSON data, marked as measured."""
        return {"kind": "measured", "n": self.n, "top1": self.top1, "top5": self.top5}


def evaluate(
    runner: Runner,
    images: Sequence[np.ndarray | Image.Image] | np.ndarray,
    labels: np.ndarray,
    preprocessing: Preprocessing,
    *,
    batch: int = 64,
    on_batch: Callable[[int, int], None] | None = None,
) -> Metrics:
    """Run every image and compare with its label.

    Args:
        runner: float32 (n, c, h, w) → scores (n, classes).
        images: pictures as `Preprocessing.apply` takes them, such as uint8 (n, h, w, c).
        labels: int64 (n,).
        preprocessing: the network's contract.
        batch: how many images at a time.
        on_batch: called with (images done, images in all).
    """
    n = len(images)
    if not n or len(labels) != n:
        raise EdgeCnnError(f"there are {n} images and {len(labels)} labels; give one label for each image")
    scores = []
    for start in range(0, n, batch):
        inputs = preprocessing.batch(images[start : start + batch])
        scores.append(runner(inputs).reshape(len(inputs), -1))
        if on_batch:
            on_batch(min(start + batch, n), n)
    return measure(np.concatenate(scores), np.asarray(labels, np.int64))


def measure(scores: np.ndarray, labels: np.ndarray) -> Metrics:
    """Return the metrics of scores (n, classes) for labels (n,)."""
    classes = scores.shape[1]
    if labels.min() < 0 or labels.max() >= classes:
        raise EdgeCnnError(f"the network has {classes} outputs, but there are labels up to {labels.max()}")
    broken = np.flatnonzero(~np.isfinite(scores).all(1))
    if broken.size:
        raise EdgeCnnError(f"the network's output for image {broken[0]} is not finite ({broken.size} in all)")
    own = np.take_along_axis(scores, labels[:, None], 1)
    tied_before = (scores == own) & (np.arange(classes) < labels[:, None])
    rank = (scores > own).sum(1) + tied_before.sum(1)
    return Metrics(labels=labels, predicted=scores.argmax(1), rank=rank)
