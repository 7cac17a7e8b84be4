"""`edgecnn compress`."""

from pathlib import Path
from typing import Any

import click

from edgecnn.cli.main import show
from edgecnn.cli.options import contract_options, force_option, input_option, json_option, seed_option


@click.command("compress")
@click.argument("model", metavar="FILE.onnx")
@click.option("--recipe", required=True, help='Passes joined by |, such as "fold": `edgecnn list passes`.')
@click.option("-o", "--out", required=True, type=click.Path(path_type=Path), help="The .onnx file to write.")
@click.option("--images", metavar="DATA", help="For int8: pictures like those the network will see.")
@click.option("--calibrate-images", type=int, metavar="N", help="How many of them.  [default: 200]")
@click.option("--scheme", metavar="NAME", help="Whose rules int8 follows: tflite or tensorrt.")
@contract_options
@input_option
@seed_option
@force_option
@json_option
def compress_command(
    model: str,
    out: Path,
    as_json: bool,
    images: str | None,
    calibrate_images: int | None,
    scheme: str | None,
    preprocessing: dict[str, Any],
    **given: Any,
) -> None:
    """Run passes over a graph; outputs are compared at every pass."""
    from edgecnn.pipeline.shrink import Pictures, compress
    from edgecnn.report.progress import progress
    from edgecnn.report.views import print_compression

    said = {"data": images, "count": calibrate_images, "scheme": scheme}
    said = {name: value for name, value in said.items() if value is not None}
    pictures = Pictures(preprocessing=preprocessing, **said)  # type: ignore[arg-type]
    with progress("compress ...") as say:
        steps = compress(
            model, out=out, pictures=pictures, **given, on_step=lambda each: say(f"{each.step.call} done")
        )
    show(
        as_json,
        lambda: {"graph": str(out), "steps": [each.to_json() for each in steps]},
        lambda: print_compression(steps, str(out)),
    )
