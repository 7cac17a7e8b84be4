"""`edgecnn device`."""

import click

from edgecnn.cli.main import show
from edgecnn.cli.options import json_option


@click.group("device")
def device_command() -> None:
    """Set up what stands in for a board."""


@device_command.command("create")
@click.argument("device")
@click.option("--force", is_flag=True, help="Anew, where it is there.")
@json_option
def create_command(device: str, force: bool, as_json: bool) -> None:
    """Set an emulated board up, such as emulated:pi4: fetches 100 MB into your cache folder.

    A real aarch64 LiteRT under QEMU, to verify outputs without the board; it needs no root rights.
    """
    from edgecnn.devices.address import Address
    from edgecnn.devices.emulator import create
    from edgecnn.errors import EdgeCnnError
    from edgecnn.report.progress import progress

    address = Address.parse(device)
    if address.way != "emulated":
        raise EdgeCnnError(f"{device} is not emulated, so there is nothing to create; give emulated:pi4, say")
    with progress("fetch ...") as say:
        place = create(address.board, force=force, on_stage=lambda stage: say(f"{stage} ..."))
    ready = f"{device} is set up; verify a bundle there: edgecnn verify BUNDLE --device {device}"
    show(as_json, lambda: {"device": device, "path": str(place)}, lambda: click.echo(ready))
