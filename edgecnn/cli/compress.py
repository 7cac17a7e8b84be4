"""`edgecnn compress`."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from edgecnn.cli.main import show
from edgecnn.cli.options import contract_options, force_option, input_option, json_option, seed_option
from edgecnn.cli.signals import noting
from edgecnn.cli.training_options import epoch_line, training_options
from edgecnn.errors import EdgeCnnError

if TYPE_CHECKING:
    from edgecnn.pipeline.shrink import Compression, Told


@click.command("compress")
@click.argument("model", metavar="FILE.onnx")
@click.option("--recipe", required=True, help='Passes joined by |, such as "fold": `edgecnn list passes`.')
@click.option("-o", "--out", required=True, type=click.Path(path_type=Path), help="The .onnx file to write.")
@click.option("--images", metavar="DATA", help="Pictures like those the network will see.")
@click.option("--target", metavar="NAME", help="For which board: its rules, and what it cannot run.")
@click.option("--calibrate-images", type=int, metavar="N", help="How many calibrate int8.  [default: 200]")
@click.option(
    "--eval-images", type=int, metavar="N", help="How many of the held-out ones measure.  [default: 2000]"
)
@click.option("--scheme", metavar="NAME", help="Whose rules int8 follows: tflite or tensorrt.")
@training_options
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
    eval_images: int | None,
    **given: Any,
) -> None:
    """Run passes over a graph, and measure it after every pass.

    What is finished is kept in OUT.passes until all is: the same command goes on after an interruption.
    """
    from edgecnn.pipeline.shrink import Pictures, compress
    from edgecnn.report.compression_views import print_compression
    from edgecnn.report.progress import progress

    said: dict[str, Any] = {"data": images, "count": calibrate_images, "held_out": eval_images}
    said |= {name: given.pop(name) for name in ("scheme", "training", "preprocessing")}
    pictures = Pictures(**{name: value for name, value in said.items() if value is not None})
    begun: list[Any] = []
    with progress("compress ...") as say, noting(EdgeCnnError):
        steps = compress(model, out=out, pictures=pictures, **given, told=_told(say, begun.append))
    show(
        as_json,
        lambda: {
            "graph": str(out),
            "original": begun[0].to_json(),
            "steps": [each.to_json() for each in steps],
        },
        lambda: print_compression(begun[0], steps, str(out)),
    )


def _told(say: Callable[[str], None], start: Callable[[Any], None]) -> "Told":
    """Return what is said in between: lines, and on a terminal also what changes within an epoch."""
    from edgecnn.pipeline.shrink import Told

    def finish(each: "Compression") -> None:
        say(f"{each.step.call} {'was done before' if each.step.found else 'done'}")

    def batch(what: str, done: int, of: int) -> None:
        if sys.stderr.isatty():
            say(f"{what} {done}/{of}")

    return Told(
        start=start,
        step=finish,
        epoch=lambda name, epoch: say(epoch_line(name, epoch)),
        note=lambda text: say(f"note: {text}"),
        batch=batch,
    )
