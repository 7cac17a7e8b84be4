"""`edgecnn device`."""

from typing import Any

import click

from edgecnn.cli.main import show
from edgecnn.cli.options import json_option, seed_option
from edgecnn.device import PRECISIONS


@click.group("device")
def device_command() -> None:
    """Set up what stands in for a board, or fit one so that its latency can be predicted."""


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


@device_command.command("fit")
@click.argument("device")
@click.option("--as", "target", metavar="TARGET", help="The profile that it is, such as jetson-orin-nano.")
@click.option("--threads", type=click.IntRange(1, 256), default=1, show_default=True, help="CPU threads.")
@click.option("--precision", type=click.Choice(PRECISIONS), help="Only this one.  [default: all it has]")
@click.option("--python", metavar="PATH", help="The Python of the device.  [default: python3]")
@seed_option
@json_option
def fit_command(device: str, precision: str | None, as_json: bool, **given: Any) -> None:
    """Fit a device's latency by micro-networks on it; kept in your cache folder.

    DEVICE is local, ssh://user@host or adb:. LiteRT takes minutes; where --as names a board that runs
    TensorRT, or host-gpu, engines are built there first. Then `edgecnn profile MODEL --device` predicts.
    """
    from edgecnn.pipeline.fitting import fit_device
    from edgecnn.report.prediction_views import print_fits
    from edgecnn.report.progress import counted

    chosen = (precision,) if precision else None
    with counted("make micro-networks ...") as (say, count):
        found = fit_device(
            device,
            precisions=chosen,
            on_step=lambda step: say(f"{step} ..."),
            on_count=count,
            on_note=lambda note: click.echo(f"note: {note}", err=True),
            **given,
        )
    show(as_json, lambda: {"fits": [each.to_json() for each in found]}, lambda: print_fits(found))
