"""`edgecnn sensitivity`."""

from pathlib import Path
from typing import Any

import click

from edgecnn.cli.main import show
from edgecnn.cli.options import (
    contract_options,
    input_option,
    json_option,
    model_options,
    seed_option,
    weights_option,
)


@click.command("sensitivity")
@click.argument("model")
@model_options
@click.option("--calibrate", metavar="DATA", help="Pictures like those it will see.")
@click.option("--recipe", default="int8", show_default=True, help="Passes that quantize.")
@click.option("--pictures", type=int, default=32, show_default=True, help="Compared for each layer.")
@click.option("--plot", type=click.Path(path_type=Path), metavar="FILE.svg|.png|.html", help="A picture.")
@weights_option
@contract_options
@input_option
@seed_option
@json_option
def sensitivity_command(model: str, plot: Path | None, as_json: bool, **given: Any) -> None:
    """Round one layer of MODEL after another to int8 and measure what its output loses.

    MODEL is a name, a call such as "mobilenet(width=0.5)", a run folder, a bundle or an .onnx file.
    """
    from edgecnn.pipeline.rounding import sensitivities
    from edgecnn.report.profile_plot import check_plot
    from edgecnn.report.progress import progress
    from edgecnn.report.quantization_views import print_sensitivities
    from edgecnn.report.sensitivity_plot import write_sensitivity_plot

    if plot:
        check_plot(plot)
    with progress("build ...") as say:
        found = sensitivities(model, **given, on_progress=lambda what, done, of: say(f"{what} {done}/{of}"))
    if plot:
        write_sensitivity_plot(found.title, found.layers, plot)
    show(as_json, found.to_json, lambda: print_sensitivities(found))
