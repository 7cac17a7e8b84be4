"""`Dataset`: labelled pictures of one split."""

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from edgecnn.errors import EdgeCnnError

Split = Literal["train", "held-out"]
SPLITS: tuple[Split, ...] = get_args(Split)


@dataclass(frozen=True, kw_only=True, eq=False)
class Dataset:
    """Labelled pictures of one split.

    Attributes:
        name: the data set's.
        split: `train` or `held-out`.
        images: uint8 (n, h, w, c); c is 1 for gray, 3 for RGB.
        labels: int64 (n,), each an index into `class_names`.
        class_names: in the order of the labels.
    """

    name: str
    split: Split
    images: np.ndarray
    labels: np.ndarray
    class_names: tuple[str, ...]

    def __post_init__(self) -> None:
        images, labels, classes = self.images, self.labels, len(self.class_names)
        if images.dtype != np.uint8 or images.ndim != 4 or 0 in images.shape:
            raise EdgeCnnError(f"{self}: images are uint8 (n, h, w, c), not {images.dtype} {images.shape}")
        if labels.dtype != np.int64 or labels.shape != (len(images),):
            raise EdgeCnnError(
                f"{self}: labels are int64, one per image ({len(images)}), not {labels.dtype} {labels.shape}"
            )
        outside = labels[(labels < 0) | (labels >= classes)]
        if outside.size:
            raise EdgeCnnError(f"{self}: label {outside[0]} is out of range; there are {classes} classes")

    def __str__(self) -> str:
        return f"{self.name} ({self.split})"

    def __len__(self) -> int:
        return len(self.images)

    @property
    def channels(self) -> int:
        """Return the number of channels of every picture."""
        return int(self.images.shape[3])

    @property
    def size(self) -> tuple[int, int]:
        """Return (height, width) of every picture."""
        return int(self.images.shape[1]), int(self.images.shape[2])

    def statistics(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Return mean and standard deviation per channel of the pixels in 0..1, to six places."""
        counts = np.stack([np.bincount(plane.ravel(), minlength=256) for plane in self.images.T])
        values = np.arange(256) / 255
        mean = counts @ values / counts.sum(1)
        std = np.sqrt(np.maximum(counts @ values**2 / counts.sum(1) - mean**2, 0))
        # A channel that never varies carries nothing; dividing it by 1 keeps it finite.
        return tuple(mean.round(6).tolist()), tuple(np.where(std < 1e-6, 1.0, std).round(6).tolist())
