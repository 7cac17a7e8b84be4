"""`edgecnn compress`."""

from pathlib import Path
from typing import Any

import click

from edgecnn.cli.main import show
from edgecnn.cli.options import force_option, input_option, json_option, seed_option


@click.command("compress")
@click.argument("model", metavar="FILE.onnx")
@click.option("--recipe", required=True, help='Passes joined by |, such as "fold": `edgecnn list passes`.')
@click.option("-o", "--out", required=True, type=click.Path(path_type=Path), help="The .onnx file to write.")
@input_option
@seed_option
@force_option
@json_option
def compress_command(model: str, out: Path, as_json: bool, **given: Any) -> None:
    """Run passes over a graph; outputs are compared at every pass."""
    from edgecnn.pipeline.shrink import compress
    from edgecnn.report.progress import progress
    from edgecnn.report.views import print_compression

    with progress("compress ...") as say:
        steps = compress(model, out=out, **given, on_step=lambda each: say(f"{each.step.call} done"))
    show(
        as_json,
        lambda: {"graph": str(out), "steps": [each.to_json() for each in steps]},
        lambda: print_compression(steps, str(out)),
    )
