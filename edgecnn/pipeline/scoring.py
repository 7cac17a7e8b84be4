"""Measuring what a network gets right, whatever runtime it is made for."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from edgecnn.data import Dataset, load
from edgecnn.errors import EdgeCnnError
from edgecnn.evaluate import Measured, evaluate_dataset
from edgecnn.pipeline.artifact import open_runnable


def score(
    model: Any,
    data: str | Path | Dataset,
    *,
    preprocessing: Mapping[str, Any] | None = None,
    layout: str | None = None,
    workers: int = 0,
    on_batch: Callable[[int, int], None] | None = None,
    **opening: Any,
) -> Measured:
    """Measure accuracy on the held-out split of a data set, on the model's own runtime.

    A run folder or spec runs in PyTorch, an `.onnx` file in ONNX Runtime, a `.tflite` file in LiteRT, a
    bundle as the file that its board runs. All read pictures by the same contract: the run's or bundle's
    (also for a file inside a bundle), or the one given.

    Args:
        model: see above.
        data: a data set's name or path, or a data set.
        preprocessing: fields of the contract; needed for a file that stands alone.
        layout: of the input and output of a file that stands alone, where it is not the usual one (NCHW of
            `.onnx`, NHWC of `.tflite`).
        workers: processes that decode the pictures.
        on_batch: called with (pictures done, pictures in all).
        opening: for a spec: `weights`, `width`, ....

    Returns:
        `Metrics` where pictures have classes, `Segmentation` where they have masks, `Answers` where neither.

    Raises:
        EdgeCnnError: the model, the data or the contract is missing, or the classes are not the network's.
    """
    dataset = data if isinstance(data, Dataset) else load(data, "held-out")
    found = open_runnable(model, preprocessing or {}, layout, opening)
    return evaluate_dataset(
        found.run, dataset, found.preprocessing, labels=found.labels, workers=workers, on_batch=on_batch
    )


def check_task(dataset: Dataset, models: Sequence[str]) -> None:
    """Raise `EdgeCnnError` where there is nothing to measure of so few models."""
    if dataset.task == "unlabelled" and len(models) < 2:
        raise EdgeCnnError(
            f"{dataset} has no classes and no masks, so nothing says which answers are right;"
            " give two models or more to measure how often they agree"
        )
