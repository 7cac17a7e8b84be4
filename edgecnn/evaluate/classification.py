"""How often a network names the right class: top-1, top-5, each class apart, and what is taken for what.

recall of c = pictures of c that are named c / pictures of c
precision of c = pictures of c that are named c / pictures that are named c
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgecnn.errors import EdgeCnnError
from edgecnn.evaluate.proportion import Share

_TOP = 5


@dataclass(frozen=True, kw_only=True, eq=False)
class Metrics:
    """What was measured on labelled images, image by image, so that two artifacts can be compared.

    Attributes:
        labels: int64 (n,).
        predicted: int64 (n,), the class of the highest score; of equal ones the first.
        rank: int64 (n,), how many classes come before the right one.
        class_names: of the outputs, the data set's classes first.
        notes: what a reader of the figures has to know.
    """

    labels: np.ndarray
    predicted: np.ndarray
    rank: np.ndarray
    class_names: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

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

    @property
    def intervals(self) -> dict[str, tuple[float, float]]:
        """Return the 95 % interval (Wilson) of each figure."""
        within = {"top1": self.correct, "top5": self.rank < _TOP}
        return {key: Share(count=int(right.sum()), n=self.n).interval for key, right in within.items()}

    def differences(self, other: "Metrics") -> int:
        """Return on how many images another artifact names another class."""
        return int((self.predicted != other.predicted).sum())

    def confusion(self) -> Iterator[tuple[int, int, int]]:
        """Yield (class, class that was named, on how many images), wherever there are any."""
        pairs, counts = np.unique(np.stack([self.labels, self.predicted]), axis=1, return_counts=True)
        yield from zip(*pairs.tolist(), counts.tolist(), strict=True)

    def per_class(self) -> list[dict[str, Any]]:
        """Return recall and precision of each class that has pictures or is named, with intervals."""
        size = int(max(self.labels.max(), self.predicted.max())) + 1
        count = np.bincount(self.labels, minlength=size)
        named = np.bincount(self.predicted, minlength=size)
        right = np.bincount(self.labels[self.correct], minlength=size)
        return [
            {"class": self._name(index), "n": int(count[index]), "named": int(named[index])}
            | _share("recall", int(right[index]), int(count[index]))
            | _share("precision", int(right[index]), int(named[index]))
            for index in np.flatnonzero(count + named).tolist()
        ]

    def to_json(self) -> dict[str, Any]:
        """Return the figures as plain JSON data, marked as measured."""
        return {"kind": "measured", "n": self.n, "top1": self.top1, "top5": self.top5}

    def _name(self, index: int) -> str:
        return self.class_names[index] if index < len(self.class_names) else str(index)


def measure(scores: np.ndarray, labels: np.ndarray) -> Metrics:
    """Return the metrics of scores.

    Args:
        scores: float (n, classes), the network's outputs.
        labels: int (n,), the right class of each picture.

    Raises:
        EdgeCnnError: there are labels without an output, or outputs that are not finite.
    """
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


def joined(parts: Sequence[Metrics], class_names: tuple[str, ...], notes: tuple[str, ...]) -> Metrics:
    """Return the metrics of all batches together."""
    fields = {
        name: np.concatenate([getattr(part, name) for part in parts])
        for name in ("labels", "predicted", "rank")
    }
    return Metrics(**fields, class_names=class_names, notes=notes)


def _share(name: str, count: int, n: int) -> dict[str, Any]:
    share = Share(count=count, n=n) if n else None
    return {
        name: share.value if share else None,
        f"{name}_interval": list(share.interval) if share else None,
    }
