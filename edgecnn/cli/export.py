"""`edgecnn export`."""

from pathlib import Path
from typing import Any

import click

from edgecnn.cli.main import show
from edgecnn.cli.options import (
    contract_options,
    force_option,
    input_option,
    json_option,
    model_options,
    seed_option,
    weights_option,
)
from edgecnn.cli.precision_options import precision_options
from edgecnn.cli.signals import noting
from edgecnn.cli.training_options import training_options


@click.command("export")
@click.argument("model")
@model_options
@click.option("--target", required=True, help="A board or family: `edgecnn list targets`.")
@click.option(
    "--recipe", default="fold", show_default=True, help="Passes joined by |: `edgecnn list passes`."
)
@training_options
@precision_options
@click.option("--softmax", is_flag=True, help="Append a softmax over the classes.")
@weights_option
@contract_options
@input_option
@click.option(
    "-o", "--out", type=click.Path(path_type=Path), help="Folder or .zip [default: NAME.TARGET here]."
)
@seed_option
@force_option
@json_option
def export_command(model: str, target: str, as_json: bool, **given: Any) -> None:
    """Export MODEL for a board: a folder with everything it needs there, every hop verified.

    MODEL is a name, a call such as "mobilenet(width=0.5)", a run folder, a bundle or an .onnx file.
    """
    from edgecnn.pipeline.deploy import deploy
    from edgecnn.report.progress import progress
    from edgecnn.report.views import print_deployment

    with progress("build ...") as say, noting():
        made = deploy(model, target, on_stage=lambda stage: say(f"{stage} ..."), **given)
    show(as_json, made.to_json, lambda: print_deployment(made))
