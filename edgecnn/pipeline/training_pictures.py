"""What passes that train get: the training pictures of a data set, as the network reads them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from edgecnn import run_folder
from edgecnn.augmentation import Augmentation
from edgecnn.data import Dataset
from edgecnn.errors import EdgeCnnError, UnknownNameError
from edgecnn.evaluate.class_names import class_order
from edgecnn.graph.nodes import static_shape
from edgecnn.pipeline.model_paths import is_path
from edgecnn.pipeline.network import Network
from edgecnn.quantize import Training
from edgecnn.training_recipe import PRECISIONS

PICTURES = frozenset({"images", "training", "labels"})  # what passes need that pictures fulfil
TRAINING = frozenset({"training", "labels"})

if TYPE_CHECKING:
    from torch import Tensor

    from edgecnn.optimize import Batches


@dataclass(frozen=True, kw_only=True)
class TrainingPlace:
    """Where and how passes train.

    Attributes:
        on: `cpu`, `cuda`, or `auto`: a GPU where there is one.
        precision: fp32, or bf16 or fp16 on a GPU.
        augmentation: random changes of the pictures; None for those that a run folder was trained with, and
            for none where there is no run folder.
        workers: processes that decode pictures that do not fit into memory.
    """

    on: str = "auto"
    precision: str = "fp32"
    augmentation: Augmentation | None = None
    workers: int = 0

    def __post_init__(self) -> None:
        if self.precision not in PRECISIONS:
            raise UnknownNameError("precision", self.precision, PRECISIONS)


def open_training(network: Network, dataset: Dataset, place: TrainingPlace) -> Training:
    """Return the training pictures of a data set for passes; they are read when the first of them begins.

    Args:
        network: whose contract says how a picture becomes input, and whose outputs the classes are.
        dataset: the training split.
        place: where and how.

    Raises:
        EdgeCnnError: there is no such device, or it lacks the precision; the pictures' classes are not the
            network's, or they have masks where it names classes.
    """
    from edgecnn.optimize import Processes, augmentation
    from edgecnn.optimize.processes import autocast_dtype
    from edgecnn.optimize.streamed import batches_of
    from edgecnn.training_recipe import Recipe

    autocast_dtype(place.precision, Processes(place.on).device)
    changes = place.augmentation or Augmentation()
    outputs = _classes(network, dataset)

    @cache
    def batches() -> "Batches":
        found = batches_of(dataset, network.preprocessing, workers=place.workers)
        return found if outputs is None else _Renamed(found, outputs)

    return Training(
        batches=batches,
        labelled=dataset.task != "unlabelled",
        masks=dataset.task == "segmentation",
        on=place.on,
        precision=place.precision,
        augment=augmentation(Recipe(**changes.to_json()), network.preprocessing),
    )


def with_own_augmentation(place: TrainingPlace, model: Any) -> TrainingPlace:
    """Return the place with the changes that a run folder was trained with, where none are asked for."""
    if place.augmentation is not None or not isinstance(model, (str, Path)) or not is_path(model):
        return place
    if not run_folder.is_run_folder(model):
        return place
    return replace(place, augmentation=run_folder.read(Path(model)).recipe.augmentation)


def without_answers(dataset: Dataset) -> Dataset:
    """Return the pictures alone."""
    return replace(dataset, labels=None, masks=None, class_names=())


def check_answers(network: Network, dataset: Dataset) -> None:
    """Raise `EdgeCnnError` where a data set's classes or masks are not what the network answers with."""
    _classes(network, dataset)


def _classes(network: Network, dataset: Dataset) -> np.ndarray | None:
    """Return the output of each class of the data set; None where they are the same or there are none."""
    if dataset.task == "unlabelled":
        return None
    shape = static_shape(network.graph.graph.outputs[0])
    maps = len(shape) == 4 and shape[2] * shape[3] > 1
    if maps != (dataset.task == "segmentation"):
        has = "masks" if dataset.task == "segmentation" else "a class for each picture"
        gives = "scores each pixel" if maps else "names a class of the whole picture"
        raise EdgeCnnError(f"{dataset} has {has}, and {network.title} {gives}; give pictures that fit")
    order = class_order(dataset.class_names, network.labels, shape[1])
    same = np.array_equal(order.outputs, np.arange(len(order.outputs)))
    return None if same else order.outputs


@dataclass(frozen=True, eq=False)
class _Renamed:
    """Batches whose classes are numbered as the network's outputs are."""

    batches: "Batches"
    outputs: np.ndarray

    def __len__(self) -> int:
        return len(self.batches)

    def take(self, parts: Sequence[np.ndarray]) -> "Iterator[tuple[Tensor, Tensor | None]]":
        """Give one batch for each part."""
        import torch

        numbers = np.arange(max(256, len(self.outputs)))  # IGNORE stays what it is
        numbers[: len(self.outputs)] = self.outputs
        table = torch.from_numpy(numbers)
        for inputs, targets in self.batches.take(parts):
            yield inputs, None if targets is None else table[targets]
