"""`edgecnn verify`."""

import sys
from pathlib import Path

import click

from edgecnn.cli.main import show
from edgecnn.cli.options import json_option


@click.command("verify")
@click.argument("bundle", type=click.Path(path_type=Path))
@json_option
def verify_command(bundle: Path, as_json: bool) -> None:
    """Check every hash of a BUNDLE, then its outputs on its own sample."""
    from edgecnn.export.verify import verify
    from edgecnn.report.views import print_checks

    checks = verify(bundle)
    ok = all(check.ok for check in checks)
    show(
        as_json,
        lambda: {"ok": ok, "checks": [check.to_json() for check in checks]},
        lambda: print_checks(checks),
    )
    if not ok:
        first = next(check for check in checks if not check.ok)
        click.echo(f"edgecnn: error: {bundle} does not verify: {first.what}: {first.detail}", err=True)
        sys.exit(1)
