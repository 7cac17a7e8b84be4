"""`Batches`: where the loop gets its examples from, and how an epoch is cut into steps."""

import math
from collections.abc import Iterator, Sequence
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from edgecnn.errors import EdgeCnnError


class Batches(Protocol):
    """Examples by index."""

    def __len__(self) -> int:
        """Return how many examples there are."""
        ...

    def take(self, parts: Sequence[np.ndarray]) -> Iterator[tuple[Tensor, Tensor | None]]:
        """Give one batch for each part: (inputs float32 (n, c, h, w), targets), on the CPU.

        Args:
            parts: of each batch the indices int64 (n,), in order.
        """
        ...


class InMemory:
    """Examples that are tensors already.

    Args:
        inputs: float32 (n, c, h, w), preprocessed.
        targets: int64 (n,) classes, (n, h, w) masks, or whatever the loss function takes; None where it takes
            none.
    """

    def __init__(self, inputs: Tensor, targets: Tensor | None) -> None:
        if len(inputs) < 2:
            raise EdgeCnnError(f"there are {len(inputs)} images; training needs 2 or more")
        if targets is not None and len(inputs) != len(targets):
            raise EdgeCnnError(
                f"there are {len(inputs)} images and {len(targets)} labels; training needs a label for each"
            )
        self._inputs, self._targets = inputs, targets

    def __len__(self) -> int:
        return len(self._inputs)

    def take(self, parts: Sequence[np.ndarray]) -> Iterator[tuple[Tensor, Tensor | None]]:
        """Give one batch for each part."""
        for part in parts:
            chosen = torch.from_numpy(part)
            yield self._inputs[chosen], None if self._targets is None else self._targets[chosen]


def steps_per_epoch(n: int, batch: int, processes: int = 1) -> int:
    """Return into how many steps, as equal as possible, n images are split.

    A short last batch would spoil BatchNorm's statistics: two images at one place become 1 and -1 whatever
    they show, and a single one is refused by torch; it joins another.

    Args:
        n: the number of images.
        batch: the most that a process takes at a step.
        processes: how many share each step.
    """
    least = 2 * processes
    if n < least:
        raise EdgeCnnError(f"{n} images are too few for {processes} processes; give at least {least}")
    return min(math.ceil(n / (batch * processes)), n // least)
