"""Pictures that stay in their files until they are asked for."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Self, overload

import numpy as np

from edgecnn.data.dataset import Dataset
from edgecnn.data.decode import is_gray, read_picture
from edgecnn.data.readable import unreadable
from edgecnn.data.sample import evenly
from edgecnn.data.splits import Place
from edgecnn.errors import EdgeCnnError

_HEADERS = 1024


@dataclass(frozen=True, eq=False)
class Files(Sequence[np.ndarray]):
    """Pictures or masks in files: `files[i]` reads one, `files[a:b]` is a sequence again.

    Attributes:
        root: the folder.
        names: of the files, relative to it.
        read: from a path to the array; a function that can be sent to another process.
    """

    root: str
    names: tuple[str, ...]
    read: Callable[[str], np.ndarray]

    def __len__(self) -> int:
        return len(self.names)

    @overload
    def __getitem__(self, index: int) -> np.ndarray: ...
    @overload
    def __getitem__(self, index: slice) -> Self: ...
    def __getitem__(self, index: int | slice) -> np.ndarray | Self:
        if isinstance(index, slice):
            return replace(self, names=self.names[index])
        return self.read(os.path.join(self.root, self.names[index]))  # noqa: PTH118  # a million times


@dataclass(frozen=True, kw_only=True, eq=False)
class Listing:
    """The pictures of both splits, or of one where the place is whole.

    Attributes:
        names: of the files, relative to the place's folder.
        labels: int64 (n,); None where there are none.
        class_names: in the order of the labels.
    """

    names: Sequence[str]
    labels: np.ndarray | None = None
    class_names: tuple[str, ...] = ()


def labelled_files(place: Place, listing: Listing) -> Dataset:
    """Return the data set of a split whose pictures stay in their files; what cannot be read is left out.

    They are gray where every one of at most 1,024 of them is gray, by its header, else RGB.
    """
    root = place.path if place.path.is_dir() else place.path.parent
    labels = np.zeros(len(listing.names), np.int64) if listing.labels is None else listing.labels
    chosen = np.flatnonzero(place.chosen(labels)).tolist()
    broken = unreadable(root, [listing.names[index] for index in chosen])
    kept = [index for position, index in enumerate(chosen) if position not in broken]
    if not kept:
        why = f"; the first is {next(iter(broken.values()))}" if broken else ""
        raise EdgeCnnError(f"{place.path} has no picture that can be read for {place.split}{why}")
    return Dataset(
        name=place.name,
        split=place.split,
        images=picture_files(root, [listing.names[index] for index in kept]),
        labels=None if listing.labels is None else listing.labels[kept],
        class_names=listing.class_names,
        skipped=tuple(broken.values()),
    )


def picture_files(root: Path, names: Sequence[str]) -> Files:
    """Return the pictures of these files: gray where every one of at most 1,024 of them is, else RGB."""
    sampled = (os.path.join(root, names[index]) for index in evenly(len(names), _HEADERS))  # noqa: PTH118
    channels = 1 if all(map(is_gray, sampled)) else 3
    return Files(str(root), tuple(names), partial(read_picture, channels=channels))
