"""`edgecnn report`."""

from pathlib import Path
from typing import Any

import click

from edgecnn.cli.main import show
from edgecnn.cli.options import force_option, json_option


@click.command("report")
@click.argument("sources", metavar="SWEEP|RUN|BENCH.jsonl...", nargs=-1, required=True)
@click.option("-o", "--out", type=click.Path(path_type=Path), help="A file .html, .svg, .png, .csv or .md.")
@click.option("--format", "form", help="html, svg, png, csv or markdown, whatever the file is called.")
@click.option("--published", is_flag=True, help="In a picture, also what papers published.")
@force_option
@json_option
def report_command(
    sources: tuple[str, ...], out: Path | None, form: str | None, published: bool, force: bool, as_json: bool
) -> None:
    """Show accuracy against cost of sweeps and runs: a page with everything, a picture, or a table.

    Results of `edgecnn bench -o BENCH.jsonl` add the latencies of a sweep's bundles.

    By default report.html. With --format csv or markdown and no -o it goes to stdout. Data sets are kept
    apart.
    """
    from edgecnn.atomic import check_free, write_file
    from edgecnn.report.points_report import form_of, to_report
    from edgecnn.report.points_views import print_points, to_json
    from edgecnn.sweeps.points import read_points

    chosen = form_of(out, form)
    to_stdout = out is None and chosen in ("csv", "markdown")
    if to_stdout and as_json:
        raise click.UsageError("--json and --format exclude each other without -o")
    path = out or Path(f"report.{chosen}")
    if not to_stdout:
        check_free(path, force=force, folder=False)
    points = read_points(sources)
    content = to_report(points, chosen, published=published)
    if to_stdout:
        click.echo(content.decode(), nl=False)
        return
    write_file(path, content, force=force)
    data: dict[str, Any] = {"report": str(path)}
    show(as_json, lambda: data | to_json(points), lambda: print_points(points, f"report: {path}"))
