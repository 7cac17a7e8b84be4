"""`edgecnn tables`."""

import json
from collections.abc import Sequence

import click


@click.command("tables")
@click.argument("names", nargs=-1, metavar="[NAME...|errata]")
@click.option("--json", "forms", flag_value="json", multiple=True, help="One JSON object on stdout.")
@click.option("--markdown", "forms", flag_value="markdown", multiple=True, help="A GitHub table.")
@click.option("--csv", "forms", flag_value="csv", multiple=True, help="Figures unrounded; one table.")
def tables_command(names: Sequence[str], forms: Sequence[str]) -> None:
    """Print tables of the papers, printed figures beside computed ones; without a NAME, list them.

    `errata` has the printed figures that do not reproduce.
    """
    from edgecnn.report.papers.render import RENDERERS, print_paper_table
    from edgecnn.report.papers.table import index, paper_tables, summaries

    if len(set(forms)) > 1:
        raise click.UsageError("give one of --json, --markdown and --csv")
    form = forms[0] if forms else "text"
    if form == "json":
        data = [table.to_json() for table in paper_tables(*names)] if names else summaries()
        click.echo(json.dumps({"tables": data}, indent=2, allow_nan=False))
        return
    found = paper_tables(*names) if names else [index()]
    if form == "csv" and len(found) > 1:
        raise click.UsageError("--csv prints one table; give one NAME")
    if form == "text":
        for table in found:
            print_paper_table(table)
    else:
        click.echo("\n".join(RENDERERS[form](table) for table in found), nl=False)
