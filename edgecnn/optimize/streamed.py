"""`Batches` of a data set: held in memory where they fit, otherwise decoded anew in each epoch."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from edgecnn.data import Dataset
from edgecnn.data.stream import stream
from edgecnn.optimize.batches import Batches, InMemory
from edgecnn.preprocessing import Preprocessing

LARGEST_BYTES = 1024**3  # of inputs and targets that are held in memory
_CHUNK = 256


@dataclass(frozen=True, eq=False)
class Streamed:
    """Examples that are read, decoded and preprocessed when their turn comes.

    Attributes:
        dataset: labelled, with masks, or neither.
        preprocessing: the network's contract.
        workers: how many processes decode; 0 decodes between the steps.
    """

    dataset: Dataset
    preprocessing: Preprocessing
    workers: int = 0

    @property
    def labelled(self) -> bool:
        """Whether the pictures have classes or masks."""
        return self.dataset.task != "unlabelled"

    def __len__(self) -> int:
        return len(self.dataset)

    def take(self, parts: Sequence[np.ndarray]) -> Iterator[tuple[Tensor, Tensor | None]]:
        """Give one batch for each part."""
        # A stream has batches of one size, the parts' differ by one: cut the stream at other places.
        largest = max(map(len, parts))
        held_inputs, held_targets = np.empty(0), np.empty(0)
        batches = self._stream(np.concatenate(parts), largest)
        for part in parts:
            while len(held_inputs) < len(part):
                inputs, targets = next(batches)
                held_inputs = np.concatenate([held_inputs, inputs]) if len(held_inputs) else inputs
                held_targets = np.concatenate([held_targets, targets]) if len(held_targets) else targets
            cut = len(part)
            answers = torch.from_numpy(held_targets[:cut]) if self.labelled else None
            yield torch.from_numpy(held_inputs[:cut]), answers
            held_inputs, held_targets = held_inputs[cut:], held_targets[cut:]

    def _stream(self, order: np.ndarray, batch: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        given = stream(self.dataset, self.preprocessing, order=order, batch=batch, workers=self.workers)
        for each in given:
            yield each.inputs, np.empty(0) if each.targets is None else each.targets


def batches_of(dataset: Dataset, preprocessing: Preprocessing, *, workers: int = 0) -> Batches:
    """Return the examples of a data set; those that fit into `LARGEST_BYTES` are preprocessed once.

    Args:
        dataset: labelled, with masks, or neither.
        preprocessing: the network's contract.
        workers: how many processes decode; the batches are the same for any number.
    """
    streamed = Streamed(dataset, preprocessing, workers)
    pixels = len(dataset) * preprocessing.height * preprocessing.width
    values_bytes = 4 * pixels * preprocessing.channels
    masks_bytes = 8 * pixels if dataset.task == "segmentation" else 0
    if values_bytes + masks_bytes > LARGEST_BYTES:
        return streamed
    n = len(dataset)
    chunks = [np.arange(start, min(start + _CHUNK, n)) for start in range(0, n, _CHUNK)]
    inputs = torch.empty((n, preprocessing.channels, preprocessing.height, preprocessing.width))
    targets: list[Tensor] = []
    for chunk, (values, classes) in zip(chunks, streamed.take(chunks), strict=True):
        targets += [] if classes is None else [classes]
        inputs[int(chunk[0]) : int(chunk[0]) + len(chunk)] = values
    return InMemory(inputs, torch.cat(targets) if targets else None)


def examples_of(dataset: Dataset, preprocessing: Preprocessing, most: int) -> Tensor:
    """Return up to `most` inputs from all over a data set, such as a sorted one: float32 (n, c, h, w)."""
    n = len(dataset)
    chosen = np.linspace(0, n - 1, min(n, most)).astype(np.int64)
    return next(Streamed(dataset, preprocessing).take([chosen]))[0]
