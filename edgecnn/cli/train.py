"""`edgecnn train`."""

import sys
from pathlib import Path
from typing import Any

import click

from edgecnn.cli.main import show
from edgecnn.cli.options import force_option, json_option, model_options, seed_option

_RECIPE = ("epochs", "batch", "lr", "momentum", "weight_decay", "label_smoothing", "shift")


@click.command("train")
@click.argument("model")
@model_options
@click.option("--data", required=True, help="A data set: `edgecnn list datasets`.")
@click.option("--epochs", type=int, help="Passes over the images.")
@click.option("--batch", type=int, help="Images per step.")
@click.option("--lr", type=float, help="Highest learning rate.")
@click.option("--momentum", type=float, help="Of the gradient steps.")
@click.option("--weight-decay", type=float, help="Not on biases and BatchNorm.")
@click.option("--label-smoothing", type=float, help="Share spread over all classes.")
@click.option("--shift", type=int, help="Move images by up to so many pixels.")
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
    from edgecnn.optimize import Epoch
    from edgecnn.pipeline.learn import fit
    from edgecnn.report.views import print_run
    from edgecnn.training_recipe import Recipe

    def progress(epoch: Epoch) -> None:
        end = "\n" if not sys.stderr.isatty() or epoch.epoch == epoch.epochs else "\r"
        click.echo(f"{_line(epoch)}{end}", nl=False, err=True)

    recipe = Recipe().override(**{key: given.pop(key) for key in _RECIPE})
    run = fit(model, data, out=out, recipe=recipe, seed=seed, force=force, on_epoch=progress, **given)
    show(
        as_json,
        lambda: {"run": str(run.path), "model": str(run.spec), "metrics": dict(run.metrics)},
        lambda: print_run(run),
    )


def _line(epoch: Any) -> str:
    return (
        f"epoch {epoch.epoch:3d}/{epoch.epochs}  loss {epoch.loss:.4f}"
        f"  training {epoch.accuracy:6.2%}  {epoch.images_per_s:6.0f} images/s  {epoch.left_s:4.0f} s left"
    )
