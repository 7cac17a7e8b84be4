"""From a data set to batches of a network's input, decoded and preprocessed in worker processes."""

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from edgecnn.data.dataset import Dataset
from edgecnn.data.files import Files
from edgecnn.errors import EdgeCnnError
from edgecnn.preprocessing import Preprocessing, covering

_AHEAD = 2  # batches that each worker prepares beforehand


@dataclass(frozen=True, kw_only=True, eq=False)
class Batch:
    """Some pictures as the network reads them.

    Attributes:
        inputs: float32 (n, c, h, w).
        targets: int64 (n,) classes, int64 (n, h, w) masks at the input's resolution, or None.
        indices: int64 (n,), the pictures' positions in the data set.
    """

    inputs: np.ndarray
    targets: np.ndarray | None
    indices: np.ndarray


def stream(
    dataset: Dataset,
    preprocessing: Preprocessing,
    *,
    order: np.ndarray | None = None,
    batch: int = 64,
    workers: int = 0,
) -> Iterator[Batch]:
    """Yield the pictures of a data set batch by batch; the same for any number of workers.

    Args:
        dataset: labelled, masked or unlabelled.
        preprocessing: the network's contract; a mask follows its picture's geometry, by nearest neighbour.
        order: int (n,), the positions of the pictures to give, in this order; by default all as they stand.
        batch: pictures in each batch; the last one may have fewer.
        workers: processes that decode, resize and normalize; 0 does it here. Each holds two batches at most.

    Raises:
        EdgeCnnError: for a picture that cannot be read or does not fit its mask or the contract.
    """
    if batch < 1 or workers < 0:
        raise EdgeCnnError(
            f"batch={batch}, workers={workers}: give a batch of at least 1, and no negative number"
        )
    n = len(dataset)
    positions = np.arange(n) if order is None else np.ascontiguousarray(order, np.int64)
    if positions.size and not 0 <= positions.min() <= positions.max() < n:
        raise EdgeCnnError(f"the order names pictures {positions.min()} to {positions.max()}; there are {n}")
    chunks = [positions[start : start + batch] for start in range(0, len(positions), batch)]
    reader = _Reader(dataset, preprocessing, chunks)
    if workers and chunks:
        return _in_workers(reader, min(workers, len(chunks)))
    return map(reader.read, range(len(chunks)))


@dataclass(frozen=True, eq=False)
class _Reader:
    """What a worker needs to make the batch of a given number."""

    dataset: Dataset
    preprocessing: Preprocessing
    chunks: Sequence[np.ndarray]

    def __len__(self) -> int:
        return len(self.chunks)

    def __getitem__(self, number: int) -> Batch | EdgeCnnError:
        try:
            return self.read(number)
        except EdgeCnnError as error:  # as a value: torch would wrap it in a worker's traceback
            return error

    def read(self, number: int) -> Batch:
        """Return the batch of this number."""
        chosen, dataset = self.chunks[number], self.dataset
        # One picture after the other: photographs are far larger than what becomes of them.
        inputs, masks = zip(*map(self.pair, chosen.tolist()), strict=True)
        targets = None if dataset.labels is None else dataset.labels[chosen]
        if dataset.masks is not None:
            targets = np.stack(masks)
        return Batch(inputs=np.stack(inputs), targets=targets, indices=chosen)

    def pair(self, index: int) -> tuple[np.ndarray, np.ndarray | None]:
        """Return the input (c, h, w) and the mask (h, w) of a picture."""
        image, masks = self.dataset.images[index], self.dataset.masks
        if masks is None:
            return self.preprocessing.apply(image), None
        mask = masks[index]
        if mask.shape != image.shape[:2]:
            name = name_of(self.dataset, index)
            raise EdgeCnnError(
                f"{name} is {image.shape[:2]} and its mask {mask.shape} pixels; make them equal"
            )
        return self.preprocessing.apply(image), fit_mask(mask, self.preprocessing)


def name_of(dataset: Dataset, index: int) -> str:
    """Return the name of the file of a picture, or its number."""
    images = dataset.images
    return images.names[index] if isinstance(images, Files) else f"picture {index} of {dataset}"


def fit_mask(mask: np.ndarray, preprocessing: Preprocessing) -> np.ndarray:
    """Return the mask (h, w) of a picture with the geometry that the contract gives the picture: int64."""
    side = (preprocessing.width, preprocessing.height)
    if preprocessing.channel_order == "raw":
        return mask.astype(np.int64)
    picture = Image.fromarray(np.ascontiguousarray(mask, np.uint8))
    if preprocessing.resize == "squash":
        fitted = picture.resize(side, Image.Resampling.NEAREST)
    else:
        width, height = covering(picture.size, side, preprocessing.crop)
        left, top = (width - side[0]) // 2, (height - side[1]) // 2
        resized = picture.resize((width, height), Image.Resampling.NEAREST)
        fitted = resized.crop((left, top, left + side[0], top + side[1]))
    return np.asarray(fitted).astype(np.int64)


def _in_workers(reader: _Reader, workers: int) -> Iterator[Batch]:
    import torch
    from torch.utils.data import DataLoader

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="This DataLoader will create")  # more than there are cores
        loader: DataLoader[Any] = DataLoader(
            reader,  # type: ignore[arg-type]  # it has what DataLoader needs, without being of its class
            batch_size=None,
            num_workers=workers,
            prefetch_factor=_AHEAD,
            collate_fn=_to_shared,
            generator=torch.Generator().manual_seed(0),  # else the global one moves, as it does not here
        )
        batches = iter(loader)
    try:
        for found in batches:
            if isinstance(found, EdgeCnnError):
                raise found
            arrays: Any = {name: each if each is None else each.numpy() for name, each in found.items()}
            yield Batch(**arrays)
        return
    except (RuntimeError, ConnectionError, EOFError) as error:
        # Which one it is depends on where the dead worker's batches are.
        if isinstance(error, RuntimeError) and "DataLoader worker" not in str(error):
            raise
    finally:
        del batches  # ends the workers now, not when the last traceback is gone
    # Not from the error, whose traceback would keep torch's watch over the dead worker alive.
    raise EdgeCnnError("a worker process ended; give fewer workers, or a smaller batch")


def _to_shared(found: Any) -> Any:
    """Hand a batch over in shared memory, which torch does for tensors."""
    import torch

    if isinstance(found, EdgeCnnError):
        return found
    return {name: each if each is None else torch.from_numpy(each) for name, each in vars(found).items()}
