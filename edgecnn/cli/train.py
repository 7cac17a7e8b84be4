"""`edgecnn train`."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from edgecnn import units
from edgecnn.cli.main import show
from edgecnn.cli.options import force_option, json_option, model_options, seed_option
from edgecnn.training_recipe import Recipe

Command = Callable[..., Any]

_RECIPE = ("epochs", "batch", "lr", "momentum", "weight_decay", "label_smoothing", "shift")


def _recipe_option(key: str, kind: type, text: str) -> Callable[[Command], Command]:
    default = f"{getattr(Recipe(), key):g}"
    return click.option(f"--{key.replace('_', '-')}", type=kind, help=f"{text}  [default: {default}]")


@click.command("train")
@click.argument("model")
@model_options
@click.option("--data", required=True, help="A data set: `edgecnn list datasets`.")
@_recipe_option("epochs", int, "Passes over the images.")
@_recipe_option("batch", int, "Images per step.")
@_recipe_option("lr", float, "Highest learning rate.")
@_recipe_option("momentum", float, "Fraction of the last step that the next one keeps.")
@_recipe_option("weight_decay", float, "Of all weights but biases and BatchNorm's.")
@_recipe_option("label_smoothing", float, "Share of the target spread over all classes.")
@_recipe_option("shift", int, "Move each image by up to so many pixels.")
@click.option(
    "-o", "--out", type=click.Path(path_type=Path), help="The run folder [default: runs/NAME-DATA]."
)
@seed_option
@force_option
@json_option
def train_command(
    model: str, data: str, out: Path | None, force: bool, as_json: bool, seed: int, **given: Any
) -> None:
    """Train MODEL (a name or a call) on a data set and write a run folder."""
    from edgecnn.pipeline.learn import fit
    from edgecnn.report.progress import progress
    from edgecnn.report.views import print_run

    recipe = Recipe().override(**{key: given.pop(key) for key in _RECIPE})
    with progress(f"epoch 1/{recipe.epochs} ...") as say:
        run = fit(
            model,
            data,
            out=out,
            recipe=recipe,
            seed=seed,
            force=force,
            on_epoch=lambda epoch: say(_line(epoch)),
            **given,
        )
    show(
        as_json,
        lambda: {"run": str(run.path), "model": str(run.spec), "metrics": dict(run.metrics)},
        lambda: print_run(run),
    )


def _line(epoch: Any) -> str:
    digits = len(str(epoch.epochs))
    return (
        f"epoch {epoch.epoch:{digits}}/{epoch.epochs}  loss {epoch.loss:.4f}"
        f"  right {epoch.accuracy:6.2%} (training)  {epoch.images_per_s:5.0f} images/s"
        f"  {units.clock(epoch.left_s)} left"
    )
