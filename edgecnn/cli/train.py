"""`edgecnn train`."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from edgecnn import units
from edgecnn.cli.main import show
from edgecnn.cli.options import force_option, json_option, model_options, seed_option
from edgecnn.cli.signals import noting
from edgecnn.errors import EdgeCnnError
from edgecnn.published_recipes import DEFAULT, RECIPES, published
from edgecnn.training_recipe import OPTIMIZERS, PRECISIONS, SCHEDULES

Command = Callable[..., Any]


def _whole_numbers(_ctx: click.Context, _param: click.Parameter, given: str | None) -> tuple[int, ...] | None:
    if given is None:
        return None
    try:
        return tuple(int(number) for number in given.split(","))
    except ValueError:
        raise click.BadParameter(f"{given!r} is not whole numbers joined by commas") from None


# the recipe's keys that have a flag: type, and help
_RECIPE: dict[str, tuple[Any, str]] = {
    "epochs": (int, "Passes over the images."),
    "batch": (int, "Images per step, of each process."),
    "lr": (float, "Highest learning rate."),
    "momentum": (float, "Fraction of the last step that the next one keeps."),
    "optimizer": (str, f"{', '.join(OPTIMIZERS)}."),
    "weight_decay": (float, "Of all weights but biases and BatchNorm's."),
    "warmup_epochs": (float, "Epochs in which the learning rate rises."),
    "schedule": (str, f"Of the learning rate: {', '.join(SCHEDULES)}."),
    "step_epochs": (int, "With step: epochs between falls of the learning rate."),
    "step_factor": (float, "With step: by which it is multiplied."),
    "milestones": (_whole_numbers, "With step: epochs after which it falls, such as 91,136."),
    "label_smoothing": (float, "Share of the target spread over all classes."),
    "dice": (float, "Weight of the Dice term, for masks."),
    "dropout": (float, "Probability of every dropout layer, in place of the network's own."),
    "ema": (float, "Keep a moving average of the weights, such as 0.999."),
    "precision": (str, f"{', '.join(PRECISIONS)}; the shorter ones on a GPU."),
    "shift": (int, "Move each image by up to so many pixels, its border repeated."),
    "flip": (float, "Probability of mirroring an image."),
    "crop": (int, "Move each image by up to so many pixels, the mean beyond its border."),
    "scale": (float, "Resize a random part of at least this fraction of the area to the whole."),
    "colour": (float, "Change brightness, contrast and saturation by up to this fraction."),
    "cutout": (int, "Blank a random square of so many pixels."),
}


RECIPE_KEYS = tuple(_RECIPE)
_OF_STEPS = ("step_epochs", "step_factor", "milestones")


def recipe_options(command: Command) -> Command:
    """Add a flag for each key of a training recipe that has one."""
    for key, (kind, text) in reversed(_RECIPE.items()):
        parsing = {"callback": kind, "metavar": "N,N"} if kind is _whole_numbers else {"type": kind}
        command = click.option(f"--{key.replace('_', '-')}", help=text, **parsing)(command)
    return command


@click.command("train")
@click.argument("model")
@model_options
@click.option("--data", required=True, help="A data set: `edgecnn list datasets`, or the path of one.")
@click.option("--recipe", default=DEFAULT, help=f"Where to start from: {', '.join(RECIPES)}; flags override.")
@recipe_options
@click.option("--on", default="auto", help="cuda, cpu, or auto: a GPU where there is one.  [default: auto]")
@click.option("--workers", type=click.IntRange(0), default=0, help="Processes that decode images.")
@click.option("--resume", is_flag=True, help="Go on after the last epoch of an interrupted training.")
@click.option(
    "-o", "--out", type=click.Path(path_type=Path), help="The run folder [default: runs/NAME-DATA]."
)
@seed_option
@force_option
@json_option
def train_command(model: str, data: str, recipe: str, as_json: bool, **given: Any) -> None:
    """Train MODEL (a name or a call) on a data set and write a run folder.

    After every epoch all that the next one needs is kept in RUN.partial, and --resume goes on from there.
    """
    from edgecnn.optimize.processes import is_first
    from edgecnn.pipeline.learn import fit
    from edgecnn.report.progress import progress
    from edgecnn.report.views import print_run

    asked = {key: given.pop(key) for key in _RECIPE}
    chosen = published(recipe).override(**asked)
    idle = [key for key in _OF_STEPS if asked[key] is not None and chosen.schedule != "step"]
    if idle:
        raise EdgeCnnError(f"--{idle[0].replace('_', '-')} is for --schedule step, not {chosen.schedule}")
    first = f"epoch 1/{chosen.epochs} ..." if is_first() else ""
    with progress(first) as say, noting():
        run = fit(model, data, recipe=chosen, on_epoch=lambda epoch: say(_line(epoch)), **given)
    if not is_first():
        return
    show(
        as_json,
        lambda: {"run": str(run.path), "model": str(run.spec), "metrics": dict(run.metrics)},
        lambda: print_run(run),
    )


def _line(epoch: Any) -> str:
    digits = len(str(epoch.epochs))
    right = "" if epoch.accuracy is None else f"  right {epoch.accuracy:6.2%} (training)"
    return (
        f"epoch {epoch.epoch:{digits}}/{epoch.epochs}  loss {epoch.loss:.4f}"
        f"{right}  {epoch.images_per_s:5.0f} images/s"
        f"  {units.clock(epoch.left_s)} left"
    )
