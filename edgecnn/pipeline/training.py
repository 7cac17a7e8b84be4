"""A training from its data set to its run folder."""

import importlib.metadata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from edgecnn import run_folder
from edgecnn.atomic import check_free
from edgecnn.data import Dataset, contract, load
from edgecnn.errors import EdgeCnnError
from edgecnn.evaluate import evaluate_dataset
from edgecnn.models import build, complete
from edgecnn.models.initialize import initialize
from edgecnn.optimize import (
    DivergedError,
    Epoch,
    Loss,
    Processes,
    Session,
    augmentation,
    classification_loss,
    optimize,
    processes,
    segmentation_loss,
)
from edgecnn.optimize.streamed import batches_of, examples_of
from edgecnn.pipeline.network import short_name
from edgecnn.preprocessing import Preprocessing
from edgecnn.run_folder import RunFolder
from edgecnn.runtime.torch_runner import TorchRunner
from edgecnn.spec import ModelSpec
from edgecnn.training_recipe import Recipe
from edgecnn.unfinished_run import UnfinishedRun

_TOOLS = ("edgecnn", "torch", "numpy")
_INITIAL = 64  # images that set the initial weights' scale


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is asked for.

    Attributes:
        spec: the network, as it was asked for.
        data: the data set's name or path.
        out: the run folder; None for `runs/NAME-DATA`.
        recipe: how to train.
        seed: of everything random.
        workers: how many processes decode.
    """

    spec: ModelSpec
    data: str
    out: Path | None
    recipe: Recipe
    seed: int
    workers: int


def run(plan: Plan, *, on: str, force: bool, resume: bool, on_epoch: Callable[[Epoch], None]) -> RunFolder:
    """Train as `edgecnn.fit` says."""
    place, spec = processes(on), complete(plan.spec)
    path = plan.out or Path("runs", f"{short_name(spec)}-{Path(plan.data).stem or 'data'}")
    if not place.first:
        begun = _begin(plan, spec, place)
        _train(begun, plan, Session(processes=place, resume=place.share(None)))
        return place.share(None)  # type: ignore[return-value]  # what the first process has
    check_free(path, force=force, marker=run_folder.MARKER, folder=True)
    begun, held_out = _begin(plan, spec, place), load(plan.data, "held-out")
    unfinished = UnfinishedRun(path, _settings(begun, plan))
    with unfinished.kept(resume=resume, force=force) as state:
        session = Session(processes=place, resume=place.share(state), keep=unfinished.keep, on_epoch=on_epoch)
        try:
            history = _train(begun, plan, session)
        except DivergedError:
            unfinished.discard()  # resumed, it would diverge again
            raise
        measured = evaluate_dataset(
            TorchRunner(begun.module), held_out, begun.preprocessing, labels=begun.dataset.class_names
        )
        finished = RunFolder(
            spec=begun.spec,
            data=plan.data,
            task=begun.task,
            recipe=plan.recipe,
            seed=plan.seed,
            preprocessing=begun.preprocessing,
            class_names=begun.dataset.class_names,
            skipped=(*begun.dataset.skipped, *held_out.skipped),
            device=begun.device,
            versions={tool: importlib.metadata.version(tool) for tool in _TOOLS},
            metrics=measured.to_json(),
            history=[epoch.to_json() for epoch in history],
            path=path,
        )
        run_folder.write(path, finished, begun.module.state_dict(), force=force)
    return place.share(finished)


@dataclass(frozen=True, kw_only=True, eq=False)
class _Begun:
    """A training before its first step.

    Attributes:
        spec: complete.
        module: with its initial weights.
        preprocessing: the contract with the pictures.
        dataset: the training split.
        device: in words.
    """

    spec: ModelSpec
    module: nn.Module
    preprocessing: Preprocessing
    dataset: Dataset
    device: str

    @property
    def task(self) -> str:
        """Return `classification` or `segmentation`."""
        return self.dataset.task


def _begin(plan: Plan, spec: ModelSpec, place: Processes) -> _Begun:
    dataset = load(plan.data, "train")
    if dataset.task == "unlabelled":
        raise EdgeCnnError(f"{dataset} has no classes and no masks to train on; give pictures that have")
    if plan.spec.classes is None:
        spec = spec.override(classes=len(dataset.class_names))
    assert spec.in_channels is not None
    assert spec.res is not None
    preprocessing = contract(dataset, spec.in_channels, spec.res.height, spec.res.width)
    examples = examples_of(dataset, preprocessing, _INITIAL)
    module = initialize(build(spec), plan.seed, examples)
    _check_task(spec, module, dataset, examples)
    kind = place.device.type
    return _Begun(
        spec=spec,
        module=module,
        preprocessing=preprocessing,
        dataset=dataset,
        device=f"{place.count} x {kind}" if place.count > 1 else kind,
    )


def _check_task(spec: ModelSpec, module: nn.Module, dataset: Dataset, examples: torch.Tensor) -> None:
    """Raise where the network answers for pictures and the data set has pixels, or the other way round."""
    shape = TorchRunner(module)(examples[:2].numpy()).shape
    maps = len(shape) == 4 and shape[2] * shape[3] > 1
    if dataset.task == "segmentation" and not maps:
        raise EdgeCnnError(
            f"{dataset.name} has masks, and {spec.arch} names a class of the whole picture; train unet"
        )
    if dataset.task == "classification" and maps:
        raise EdgeCnnError(f"{spec.arch} names a class of each pixel, and {dataset.name} has no masks")


def _train(begun: _Begun, plan: Plan, session: Session) -> tuple[Epoch, ...]:
    session = replace(session, augment=augmentation(plan.recipe, begun.preprocessing))
    batches = batches_of(begun.dataset, begun.preprocessing, workers=plan.workers)
    return optimize(
        begun.module, batches, _loss(begun, plan.recipe), plan.recipe, seed=plan.seed, session=session
    )


def _loss(begun: _Begun, recipe: Recipe) -> Loss:
    if begun.dataset.task == "segmentation":
        return segmentation_loss(recipe)
    if recipe.dice:
        raise EdgeCnnError(f"--dice is for masks, and {begun.dataset.name} has none; leave it out")
    return classification_loss(begun.module, recipe)


def _settings(begun: _Begun, plan: Plan) -> Mapping[str, Any]:
    """Return everything that the weights depend on, but the versions of the tools and the threads."""
    return {
        "model": str(begun.spec),
        "data": plan.data,
        "images": len(begun.dataset),
        "class_names": list(begun.dataset.class_names),
        "preprocessing": begun.preprocessing.to_json(),
        "recipe": plan.recipe.to_json(),
        "seed": plan.seed,
        "device": begun.device,
    }
