"""`edgecnn recommend`."""

from typing import Any

import click

from edgecnn.cli.main import show
from edgecnn.cli.options import json_option
from edgecnn.cli.quantities import BYTES, COUNTS, TIMES, quantity
from edgecnn.errors import EdgeCnnError


@click.command("recommend")
@click.argument("sweeps", metavar="SWEEP|BENCH.jsonl...", nargs=-1, required=True)
@click.option(
    "--min-accuracy", type=click.FloatRange(0, 100), metavar="PERCENT", help="At least so many per cent."
)
@click.option("--max-latency", callback=quantity(TIMES), metavar="20ms", help="Median time of a picture.")
@click.option("--device", help="A target or as a device is reached; not needed where there is one.")
@click.option("--max-size", callback=quantity(BYTES), metavar="2MB", help="The file that ships; 2MB or 2MiB.")
@click.option(
    "--max-memory", callback=quantity(BYTES), metavar="64KiB", help="What activations take at once."
)
@click.option("--max-mult-adds", callback=quantity(COUNTS), metavar="50M", help="Of the network.")
@json_option
def recommend_command(sweeps: tuple[str, ...], as_json: bool, **given: Any) -> None:
    """Name the network of a SWEEP to ship within limits, the runners-up, and the commands that make it.

    Within limits of cost the most accurate is best; for --min-accuracy alone, the cheapest. Where nothing
    fits, it says what to relax and by how much.
    """
    from edgecnn.report.recommendation import print_recommendation, to_json
    from edgecnn.sweeps.points import read_points
    from edgecnn.sweeps.recommend import Limits, recommend

    least = given["min_accuracy"]
    limits = Limits(
        min_accuracy=None if least is None else least / 100,
        max_latency_s=given["max_latency"],
        device=given["device"],
        max_file_bytes=given["max_size"],
        max_memory_bytes=given["max_memory"],
        max_mult_adds=given["max_mult_adds"],
    )
    points = read_points(sweeps)
    found = recommend(points, limits)
    if as_json or found.best is not None:
        show(as_json, lambda: to_json(found, points), lambda: print_recommendation(found))
    if found.best is None:
        ways = "; or ".join(map(str, found.relaxations))
        raise EdgeCnnError(f"none of the {len(points)} points fits; what would: {ways}")
