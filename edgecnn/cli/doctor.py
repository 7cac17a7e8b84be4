"""`edgecnn doctor`."""

import sys
from typing import TYPE_CHECKING

import click

from edgecnn.cli.main import show
from edgecnn.cli.options import json_option

if TYPE_CHECKING:
    from edgecnn.pipeline.doctor import Check


@click.command("doctor")
@json_option
def doctor_command(as_json: bool) -> None:
    """Say what is installed, what is missing for which command, and the line that installs it."""
    from edgecnn.pipeline.doctor import doctor

    checks = doctor()
    show(as_json, lambda: {"checks": [each.to_json() for each in checks]}, lambda: _print(checks))
    missing = [each.name for each in checks if not each.ok and not each.optional]
    if missing:
        click.echo(f"edgecnn: error: missing or too old: {', '.join(missing)}", err=True)
        sys.exit(1)


def _print(checks: "list[Check]") -> None:
    # Without a table of rich's: that may be the very thing that is missing.
    longest = max((len(each.name) for each in checks), default=0)
    for each in checks:
        state = "ok" if each.ok else "missing" if each.version is None else "too old"
        click.echo(f"{state:8} {each.name:{longest}} {each.version or '-':12} {each.needed_for}")
        if not each.ok:
            click.echo(f"{'':8} {each.install}")
