"""`edgecnn bench`."""

from pathlib import Path
from typing import Any

import click

from edgecnn.cli.device_options import device_options
from edgecnn.cli.main import show
from edgecnn.cli.options import json_option, seed_option

_MOST_DIGITS = 9


def _numbers(_ctx: click.Context, _param: click.Parameter, given: str) -> tuple[int, ...]:
    words = given.split(",")
    if not all(word.isdecimal() and len(word) <= _MOST_DIGITS for word in words):
        raise click.BadParameter(f"{given[:80]!r} is not whole numbers joined by commas")
    return tuple(map(int, words))


@click.command("bench")
@click.argument("bundles", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="BUNDLE...")
@device_options(default="local")
@click.option("--threads", default="1", callback=_numbers, metavar="N,M", help="CPU threads.  [default: 1]")
@click.option("--runs", type=int, default=100, show_default=True, help="Timed inferences of each.")
@click.option("--rounds", type=int, default=5, show_default=True, help="Processes that share them.")
@click.option("--precision", help="Which artifact, where a bundle has several.  [default: the fastest]")
@click.option("--dla", is_flag=True, help="The engine for a DLA.")
@click.option("-o", "--out", type=click.Path(path_type=Path), metavar="FILE.jsonl", help="Append to it.")
@click.option("--plot", type=click.Path(path_type=Path), metavar="FILE.svg|.png|.html", help="A picture.")
@seed_option
@json_option
def bench_command(
    bundles: tuple[Path, ...], out: Path | None, plot: Path | None, as_json: bool, **given: Any
) -> None:
    """Measure the latency of BUNDLEs on a device, after their outputs were found right there.

    A BUNDLE is what `edgecnn export` wrote, or a .tflite file. Several take turns, with each number of
    threads.
    """
    from edgecnn.atomic import check_free
    from edgecnn.devices.results import append_results, check_results
    from edgecnn.pipeline.measuring import measure
    from edgecnn.report.latency_plot import check_plot, write_latency_plot
    from edgecnn.report.latency_views import print_measurements
    from edgecnn.report.progress import bar

    if out:
        check_results(out)
    if plot:
        check_plot(plot)
        check_free(plot, force=True, folder=False)
    with bar("measure") as say:
        found = measure(
            bundles, on_turn=say, on_note=lambda note: click.echo(f"note: {note}", err=True), **given
        )
    try:
        if out:
            append_results(out, found)
        if plot:
            write_latency_plot(found, plot)
    finally:  # what took minutes is told, even where the disk is full by now
        show(
            as_json,
            lambda: {"measurements": [each.to_json() for each in found]},
            lambda: print_measurements(found),
        )
