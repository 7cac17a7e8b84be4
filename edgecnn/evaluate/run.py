"""A network, on whatever runtime, over a data set: one batch after another, never more than one in memory."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from edgecnn.data import Dataset
from edgecnn.data.stream import Batch, name_of, stream
from edgecnn.errors import EdgeCnnError
from edgecnn.evaluate.answers import Answers
from edgecnn.evaluate.class_names import ClassOrder, class_order
from edgecnn.evaluate.classification import Metrics, joined, measure
from edgecnn.evaluate.comparison import Measured
from edgecnn.evaluate.segmentation import join_maps, measure_maps, pack
from edgecnn.preprocessing import Preprocessing
from edgecnn.runtime import Runner

OnBatch = Callable[[int, int], None]

_BATCH = 64
_BATCH_BYTES = 4 * 2**20  # of inputs; a network's activations are some hundred times as large


def evaluate(
    runner: Runner,
    images: Sequence[np.ndarray | Image.Image] | np.ndarray,
    labels: np.ndarray,
    preprocessing: Preprocessing,
    *,
    batch: int = _BATCH,
    on_batch: OnBatch | None = None,
) -> Metrics:
    """Run every image and compare with its label.

    Args:
        runner: float32 (n, c, h, w) → scores (n, classes).
        images: pictures as `Preprocessing.apply` takes them, such as uint8 (n, h, w, c).
        labels: int64 (n,).
        preprocessing: the network's contract.
        batch: how many images at a time.
        on_batch: called with (images done, images in all).

    Returns:
        What every image was taken for, beside its label.

    Raises:
        EdgeCnnError: there is not one label for each image, or no output for a label.
    """
    n = len(images)
    if not n or len(labels) != n:
        raise EdgeCnnError(f"there are {n} images and {len(labels)} labels; give one label for each image")
    targets = np.asarray(labels, np.int64)
    parts = []
    for start in range(0, n, batch):
        inputs = preprocessing.batch(images[start : start + batch])
        scores = runner(inputs).reshape(len(inputs), -1)
        parts.append(measure(scores, targets[start : start + batch]))
        if on_batch:
            on_batch(min(start + batch, n), n)
    return joined(parts, (), ())


def evaluate_dataset(
    runner: Runner,
    dataset: Dataset,
    preprocessing: Preprocessing,
    *,
    labels: Sequence[str] | None = None,
    batch: int | None = None,
    workers: int = 0,
    on_batch: OnBatch | None = None,
) -> Measured:
    """Run every picture of a data set and compare with its class or mask, where it has one.

    Args:
        runner: float32 (n, c, h, w) → scores (n, classes), or (n, classes, h, w) for maps. A map that is
            smaller than the input is compared with the centre of the mask.
        dataset: labelled, with masks, or neither.
        preprocessing: the network's contract.
        labels: names of the network's outputs, where known; classes are found by name among them.
        batch: how many pictures at a time; by default as many as make 4 MiB of inputs, at most 64.
        workers: processes that decode the pictures; the result is the same.
        on_batch: called with (pictures done, pictures in all).

    Returns:
        `Metrics` for labels, `Segmentation` for masks, `Answers` for neither.

    Raises:
        EdgeCnnError: the classes, the kind of output or the pictures do not fit the network.
    """
    size = batch or fitting_batch(preprocessing)
    batches = stream(dataset, preprocessing, batch=size, workers=workers)
    run = _Run(dataset=dataset, labels=labels, channel_order=preprocessing.channel_order)
    return _TASKS[dataset.task](run, _scored(runner, run, batches, on_batch))


def fitting_batch(preprocessing: Preprocessing) -> int:
    """Return how many pictures make a batch whose activations fit into memory."""
    each = 4 * preprocessing.channels * preprocessing.height * preprocessing.width
    return max(1, min(_BATCH, _BATCH_BYTES // each))


@dataclass(frozen=True, kw_only=True, eq=False)
class _Run:
    dataset: Dataset
    labels: Sequence[str] | None
    channel_order: str

    def order(self, outputs: int) -> ClassOrder:
        return class_order(self.dataset.class_names, self.labels, outputs)

    def notes(self, order: ClassOrder) -> tuple[str, ...]:
        skipped, found = self.dataset.skipped, [order.note] if order.note else []
        if skipped:
            found.append(f"{len(skipped)} files could not be read and were left out, such as {skipped[0]}")
        if self.channel_order == "L" and self.dataset.channels == 3:
            found.append("the pictures have colours; they were converted to gray, which the network takes")
        return tuple(found)


def _scored(
    runner: Runner, run: _Run, batches: Iterable[Batch], on_batch: OnBatch | None
) -> Iterator[tuple[np.ndarray, Batch]]:
    """Yield the network's scores and the batch that they are of."""
    done = 0
    for batch in batches:
        scores = runner(batch.inputs)
        broken = np.flatnonzero(~np.isfinite(scores).reshape(len(scores), -1).all(1))
        if broken.size:
            name = name_of(run.dataset, int(batch.indices[broken[0]]))
            raise EdgeCnnError(f"the network's output for {name} is not finite")
        yield scores, batch
        done += len(batch.inputs)
        if on_batch:
            on_batch(done, len(run.dataset))


Scored = Iterator[tuple[np.ndarray, Batch]]


def _classify(run: _Run, scored: Scored) -> Metrics:
    parts, order = [], None
    for scores, batch in scored:
        flat = _vectors(scores)
        order = order or run.order(flat.shape[1])
        parts.append(measure(flat[:, order.outputs], _targets(batch)))
    assert order is not None
    return joined(parts, order.names, run.notes(order))


def _segment(run: _Run, scored: Scored) -> Any:
    parts, order, shape = [], None, (0, 0)
    for scores, batch in scored:
        if scores.ndim != 4 or scores.shape[2:] == (1, 1):
            raise EdgeCnnError(
                f"the network gives {_sizes(scores)} for each picture, and {run.dataset} has masks;"
                " give a network that scores each pixel, such as unet"
            )
        order, shape = order or run.order(scores.shape[1]), scores.shape[2:]
        predicted = scores[:, order.outputs].argmax(1)
        classes = len(run.dataset.class_names)
        parts.append(measure_maps(predicted, _targets(batch), classes, scores.shape[1]))
    assert order is not None
    return join_maps(parts, shape, order.names, run.notes(order))


def _answer(run: _Run, scored: Scored) -> Answers:
    named, maps, order, shape = [], [], None, (1, 1)
    for scores, _ in scored:
        order = order or class_order((), run.labels, scores.shape[1])
        if scores.ndim == 4 and scores.shape[2:] != (1, 1):
            maps += [pack(each) for each in scores.argmax(1)]
            shape = scores.shape[2:]
        else:
            named.append(_vectors(scores).argmax(1))
    assert order is not None
    predicted = np.concatenate(named) if named else None
    return Answers(
        predicted=predicted, maps=tuple(maps), shape=shape, class_names=order.names, notes=run.notes(order)
    )


def _vectors(scores: np.ndarray) -> np.ndarray:
    """Return scores (n, classes) of a network that gives one score for each class, and no maps."""
    flat = scores.reshape(len(scores), -1)
    if scores.ndim < 2 or flat.shape[1] != scores.shape[1]:
        raise EdgeCnnError(
            f"the network gives {_sizes(scores)} for each picture, not one score for each class;"
            " pictures with masks are for such a network"
        )
    return flat


def _targets(batch: Batch) -> np.ndarray:
    assert batch.targets is not None
    return batch.targets


def _sizes(scores: np.ndarray) -> str:
    return " x ".join(map(str, scores.shape[1:])) + " scores"


_TASKS: dict[str, Callable[[_Run, Scored], Measured]] = {
    "classification": _classify,
    "segmentation": _segment,
    "unlabelled": _answer,
}
