"""`Dataset`: the pictures of one split, with a class for each, a mask for each, or neither."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, get_args

import numpy as np

from edgecnn.data.pixels import Statistics, pixel_statistics
from edgecnn.errors import EdgeCnnError

Split = Literal["train", "held-out"]
Task = Literal["classification", "segmentation", "unlabelled"]
Pictures = np.ndarray | Sequence[np.ndarray]
SPLITS: tuple[Split, ...] = get_args(Split)
IGNORE = 255  # in a mask: this pixel does not count


@dataclass(frozen=True, kw_only=True, eq=False)
class Dataset:
    """The pictures of one split.

    Attributes:
        name: the data set's, or its path as it was given.
        split: `train` or `held-out`.
        images: uint8 (n, h, w, c) where all have one size and fit into memory; else a sequence that reads
            them from files: `images[i]` is uint8 (h, w, c), `images[a:b]` a sequence again, c is 1 or 3.
        labels: int64 (n,), each an index into `class_names`; None where there are none.
        masks: `masks[i]` is uint8 (h, w), the class of each pixel, or `IGNORE`; None where there are none.
        class_names: in the order of the labels, or of a mask's values; empty where there are neither.
        skipped: the names of the files that could not be read, each with the reason.
    """

    name: str
    split: Split
    images: Pictures
    labels: np.ndarray | None = None
    masks: Pictures | None = None
    class_names: tuple[str, ...] = ()
    skipped: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        images = self.images
        if isinstance(images, np.ndarray):
            if images.dtype != np.uint8 or images.ndim != 4 or 0 in images.shape:
                raise EdgeCnnError(
                    f"{self}: images are uint8 (n, h, w, c), not {images.dtype} {images.shape}"
                )
        elif not len(images):
            raise EdgeCnnError(f"{self} has no pictures")
        if self.labels is not None and self.masks is not None:
            raise EdgeCnnError(f"{self} has labels and masks; give one or the other")
        if self.labels is not None:
            self._check_labels(self.labels)
        if self.masks is not None and len(self.masks) != len(images):
            raise EdgeCnnError(f"{self} has {len(images)} pictures and {len(self.masks)} masks")
        if self.masks is not None and len(self.class_names) < 2:
            raise EdgeCnnError(f"{self}: masks need at least 2 classes, there are {len(self.class_names)}")

    def __str__(self) -> str:
        return f"{self.name} ({self.split})"

    def __len__(self) -> int:
        return len(self.images)

    def _check_labels(self, labels: np.ndarray) -> None:
        classes = len(self.class_names)
        if labels.dtype != np.int64 or labels.shape != (len(self),):
            raise EdgeCnnError(
                f"{self}: labels are int64, one per image ({len(self)}), not {labels.dtype} {labels.shape}"
            )
        outside = labels[(labels < 0) | (labels >= classes)]
        if outside.size:
            raise EdgeCnnError(f"{self}: label {outside[0]} is out of range; there are {classes} classes")

    @property
    def task(self) -> Task:
        """Return what a network learns from it."""
        if self.labels is not None:
            return "classification"
        return "unlabelled" if self.masks is None else "segmentation"

    @cached_property
    def channels(self) -> int:
        """Return the number of channels of every picture."""
        return int(self.images[0].shape[2])

    @property
    def size(self) -> tuple[int, int] | None:
        """Return (height, width) of every picture; None where they differ, or lie in files."""
        if not isinstance(self.images, np.ndarray):
            return None
        return int(self.images.shape[1]), int(self.images.shape[2])

    def statistics(self) -> Statistics:
        """Return mean and standard deviation per channel of the pixels in 0..1, to six places.

        Of pictures in files, from at most 1,024 of them, evenly spread, each of which counts alike whatever
        its size. They are computed once.
        """
        return self._statistics

    @cached_property
    def _statistics(self) -> Statistics:
        return pixel_statistics(self.images)
