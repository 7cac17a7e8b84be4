"""Training a network into a run folder."""

import importlib.metadata
from collections.abc import Callable
from pathlib import Path
from typing import Any

from edgecnn import run_folder
from edgecnn.atomic import check_free
from edgecnn.data import Dataset, contract, load
from edgecnn.errors import EdgeCnnError
from edgecnn.evaluate import evaluate
from edgecnn.optimize import Epoch, train
from edgecnn.pipeline.network import is_path
from edgecnn.run_folder import RunFolder
from edgecnn.spec import ModelSpec
from edgecnn.training_recipe import Recipe

_TOOLS = ("edgecnn", "torch", "numpy")
_INITIAL = 64  # images that set the initial weights' scale


def fit(
    model: str | ModelSpec,
    data: str,
    *,
    out: str | Path | None = None,
    recipe: Recipe | None = None,
    seed: int = 0,
    force: bool = False,
    on_epoch: Callable[[Epoch], None] = lambda _epoch: None,
    **overrides: Any,
) -> RunFolder:
    """Train a network on a data set, measure it on the held-out split, and write a run folder.

    Args:
        model: a spec or its text; where it does not say, it gets as many classes as the data set has.
        data: a data set's name or path.
        out: the run folder; by default `runs/NAME-DATA`.
        recipe: how to train.
        seed: of the initialization, the order of the images and the augmentation.
        force: replace an existing run folder.
        on_epoch: called after each epoch.
        overrides: `width`, `res`, `classes`, `in_channels`, `options`.
    """
    import torch

    from edgecnn.models import build, complete
    from edgecnn.models.initialize import initialize
    from edgecnn.pipeline.network import short_name
    from edgecnn.runtime.torch_runner import TorchRunner

    if isinstance(model, str) and is_path(model):
        raise EdgeCnnError(f"train takes the name of a network, or a call, not the path {model}")
    spec = ModelSpec.parse(model) if isinstance(model, str) else model
    spec = complete(spec.override(**overrides))
    training, held_out = _labelled(load(data, "train")), _labelled(load(data, "held-out"))
    if "classes" not in overrides or overrides["classes"] is None:
        spec = _with_classes(model, spec, len(training.class_names))
    path = Path(out) if out is not None else Path("runs", f"{short_name(spec)}-{Path(data).stem}")
    check_free(path, force=force, marker=run_folder.MARKER, folder=True)
    assert spec.in_channels is not None
    assert spec.res is not None
    preprocessing = contract(training, spec.in_channels, spec.res.height, spec.res.width)
    inputs = preprocessing.batch(training.images)
    module = initialize(build(spec), seed, torch.from_numpy(inputs[:_INITIAL]))
    recipe = recipe or Recipe()
    assert training.labels is not None
    assert held_out.labels is not None
    history = train(module, inputs, training.labels, recipe, seed=seed, on_epoch=on_epoch)
    metrics = evaluate(TorchRunner(module), held_out.images, held_out.labels, preprocessing)
    run = RunFolder(
        spec=spec,
        data=data,
        recipe=recipe,
        seed=seed,
        preprocessing=preprocessing,
        class_names=training.class_names,
        versions={tool: importlib.metadata.version(tool) for tool in _TOOLS},
        metrics=metrics.to_json(),
        history=[epoch.to_json() for epoch in history],
        path=path,
    )
    run_folder.write(path, run, module.state_dict(), force=force)
    return run


def _labelled(dataset: Dataset) -> Dataset:
    if dataset.task != "classification":
        raise EdgeCnnError(f"{dataset} has no class for each picture; its task is {dataset.task}")
    return dataset


def _with_classes(model: str | ModelSpec, spec: ModelSpec, classes: int) -> ModelSpec:
    given = ModelSpec.parse(model) if isinstance(model, str) else model
    return spec if given.classes is not None else spec.override(classes=classes)
