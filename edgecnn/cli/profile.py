"""`edgecnn profile`."""

from typing import Any

import click

from edgecnn.cli.main import show
from edgecnn.cli.options import input_option, json_option, model_options


@click.command("profile")
@click.argument("model")
@model_options
@input_option
@click.option("--layers", is_flag=True, help="Every layer.")
@json_option
def profile_command(model: str, layers: bool, as_json: bool, **opening: Any) -> None:
    """Count mult-adds, parameters and memory of MODEL: a name, a call, a run, a bundle, an .onnx file.

    1 mult-add = 1 multiplication + 1 addition, of convolutions and fully connected layers.
    """
    from edgecnn.pipeline.costs import opened_costs
    from edgecnn.report.views import print_profile

    title, found = opened_costs(model, **opening)
    show(
        as_json,
        lambda: {"model": title, **found.to_json()},
        lambda: print_profile(title, found, layers=layers),
    )
