"""Training a network into a run folder."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from edgecnn.errors import EdgeCnnError
from edgecnn.optimize.epoch import Epoch
from edgecnn.pipeline.model_paths import is_path
from edgecnn.published_recipes import DEFAULT, published
from edgecnn.run_folder import RunFolder
from edgecnn.spec import ModelSpec
from edgecnn.training_recipe import Recipe


def fit(
    model: str | ModelSpec,
    data: str,
    *,
    out: str | Path | None = None,
    recipe: Recipe | None = None,
    seed: int = 0,
    force: bool = False,
    resume: bool = False,
    on: str = "auto",
    workers: int = 0,
    on_epoch: Callable[[Epoch], None] = lambda _epoch: None,
    **overrides: Any,
) -> RunFolder:
    """Train a network on a data set, measure it on the held-out split, and write a run folder.

    After each epoch everything that the next one needs is written to `RUN.partial`; `resume` goes on from
    there, to the same weights, bit for bit, as without the interruption. Started by torchrun, the processes
    train together, and the first alone writes and calls `on_epoch`.

    Args:
        model: a spec or its text; where it does not say, it gets as many classes as the data set has, and
            as many outputs for each pixel as a data set of masks has.
        data: a data set's name, or the path of one.
        out: the run folder; by default `runs/NAME-DATA`.
        recipe: how to train; by default the published one called `default`.
        seed: of the initialization, the order of the images, dropout and the augmentation.
        force: replace an existing run folder, and throw an unfinished training away.
        resume: go on with an unfinished training, begun with the same arguments.
        on: `cuda`, `cpu`, or `auto`: a GPU where there is one.
        workers: how many processes decode images that do not fit into memory.
        on_epoch: called after each epoch.
        overrides: `width`, `res`, `classes`, `in_channels`, `options`.

    Returns:
        The run folder, with what was measured on the held-out pictures.

    Raises:
        EdgeCnnError: the request is wrong, the data cannot be read, or the loss is not finite any more.
    """
    from edgecnn.pipeline.training import Plan, run

    if isinstance(model, str) and is_path(model):
        raise EdgeCnnError(f"train takes the name of a network, or a call, not the path {model}")
    spec = ModelSpec.parse(model) if isinstance(model, str) else model
    plan = Plan(
        spec=spec.override(**overrides),
        data=str(data),
        out=None if out is None else Path(out),
        recipe=recipe or published(DEFAULT),
        seed=seed,
        workers=workers,
    )
    return run(plan, on=on, force=force, resume=resume, on_epoch=on_epoch)
