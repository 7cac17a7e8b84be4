"""Options that several commands share."""

import functools
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click

from edgecnn.calls import Value, to_value
from edgecnn.errors import EdgeCnnError

F = TypeVar("F", bound=Callable[..., Any])


def _key_values(_ctx: click.Context, _param: click.Parameter, given: tuple[str, ...]) -> dict[str, Value]:
    pairs = [item.partition("=") for item in given]
    for key, equals, value in pairs:
        if not key or not equals or not value:
            raise click.BadParameter(f"{key}{equals}{value!r} is not KEY=VALUE")
    return {key: to_value(value) for key, _, value in pairs}


_MODEL = (
    click.option("--width", type=float, help="Width multiplier, such as 0.5."),
    click.option("--res", help="Input resolution: pixels, or HEIGHTxWIDTH."),
    click.option("--classes", type=int, help="Number of classes."),
    click.option("--in-channels", type=int, help="Number of input channels."),
    click.option(
        "--option", "options", multiple=True, callback=_key_values, metavar="KEY=VALUE", help="Any other."
    ),
)

json_option = click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")
seed_option = click.option(
    "--seed", type=click.IntRange(0, 2**32 - 1), default=0, show_default=True, help="Of every random number."
)
weights_option = click.option(
    "--weights", type=click.Path(path_type=Path), help="A run folder, .safetensors or .pth file."
)
force_option = click.option("--force", is_flag=True, help="Replace what is there.")


def model_options(command: F) -> F:
    """Add the options that override what the model's text says."""
    for option in reversed(_MODEL):
        command = option(command)
    return command


def input_option(command: F) -> F:
    """Add `--input NAME:1x3x224x224`, which fixes the dynamic dimensions of a foreign graph."""
    return click.option(
        "--input", "inputs", multiple=True, callback=_shapes, metavar="NAME:1x3x224x224", help="Fix a shape."
    )(command)


def _shapes(
    _ctx: click.Context, _param: click.Parameter, given: tuple[str, ...]
) -> Mapping[str, tuple[int, ...]]:
    shapes = {}
    for item in given:
        name, _, shape = item.rpartition(":")
        sizes = shape.split("x")
        if not name or not all(size.isdecimal() and int(size) > 0 for size in sizes):
            raise EdgeCnnError(f"--input {item} is not NAME:1x3x224x224")
        shapes[name] = tuple(map(int, sizes))
    return shapes


_CONTRACT = ("mean", "std", "channel_order", "resize", "crop")


def contract_options(command: F) -> F:
    """Add the options that say how pixels become input; they reach the command as `preprocessing`."""

    @functools.wraps(command)
    def gathered(*args: Any, **given: Any) -> Any:
        fields = {key: given.pop(key) for key in _CONTRACT}
        return command(
            *args, preprocessing={key: each for key, each in fields.items() if each is not None}, **given
        )

    options = (
        click.option("--mean", callback=_numbers, metavar="M,M,M", help="Per channel, of pixels in 0..1."),
        click.option("--std", callback=_numbers, metavar="S,S,S", help="Per channel, of pixels in 0..1."),
        click.option("--channel-order", help="RGB, BGR, L, or raw (no pictures)."),
        click.option("--resize", help="squash or crop."),
        click.option("--crop", type=float, help="Fraction that the centre crop keeps."),
    )
    for option in reversed(options):
        gathered = option(gathered)
    return gathered  # type: ignore[return-value]


def _numbers(_ctx: click.Context, _param: click.Parameter, given: str | None) -> tuple[float, ...] | None:
    if given is None:
        return None
    try:
        return tuple(float(number) for number in given.split(","))
    except ValueError:
        raise click.BadParameter(f"{given!r} is not numbers joined by commas") from None
