"""Options that name a device."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])


def device_options(default: str | None) -> Callable[[F], F]:
    """Add `--device` and `--python`."""

    def add(command: F) -> F:
        shown = "local, ssh://user@host, adb:, or emulated:pi4."
        command = click.option(
            "--python", metavar="PATH", help="The Python there.  [default: python3; on local, this one]"
        )(command)
        return click.option("--device", default=default, show_default=default is not None, help=shown)(
            command
        )

    return add
