"""`edgecnn verify`."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from edgecnn.cli.device_options import device_options
from edgecnn.cli.main import show
from edgecnn.cli.options import json_option

if TYPE_CHECKING:
    from edgecnn.export.verify import Check


@click.command("verify")
@click.argument("bundle", type=click.Path(path_type=Path))
@device_options(default=None)
@json_option
def verify_command(bundle: Path, device: str | None, python: str | None, as_json: bool) -> None:
    """Check every hash of a BUNDLE, then its outputs on its own sample; with --device on that device."""
    from edgecnn.report.views import print_checks

    checks = _here(bundle, python) if device is None else _on(bundle, device, python)
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


def _here(bundle: Path, python: str | None) -> "list[Check]":
    from edgecnn.export.verify import verify

    if python:
        raise click.UsageError("--python is the device's; add --device")
    return verify(bundle)


def _on(bundle: Path, device: str, python: str | None) -> "list[Check]":
    from edgecnn.pipeline.measuring import verify_on
    from edgecnn.report.progress import progress

    with progress(f"verify on {device} ..."):
        return verify_on(
            bundle, device, python=python, on_note=lambda note: click.echo(f"note: {note}", err=True)
        )
