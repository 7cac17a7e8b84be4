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
    pairs = {}
    for item in given:
        key, equals, value = item.partition("=")
        if not key or not equals or not value:
            raise click.BadParameter(f"{item!r} is not KEY=VALUE")
        if key in _FLAGS:
            raise EdgeCnnError(f"{key} has a flag of its own: give --{key.replace('_', '-')} {value}")
        pairs[key] = to_value(value)
    return pairs


_FLAGS = ("width", "res", "classes", "in_channels")


def _seed(_ctx: click.Context, _param: click.Parameter, given: int) -> int:
    if not 0 <= given < 2**32:
        raise click.BadParameter(f"{given} is not a whole number from 0 to 2^32 - 1")
    return given


_MODEL = (
    click.option("--width", type=float, help="Width multiplier, such as 0.5."),
    click.option("--res", metavar="PIXELS", help="Input resolution, such as 160, or HEIGHTxWIDTH."),
    click.option("--classes", type=int, help="Number of classes."),
    click.option("--in-channels", type=int, help="Number of input channels."),
    click.option(
        "--option",
        "options",
        multiple=True,
        callback=_key_values,
        metavar="KEY=VALUE",
        help="Any other that `edgecnn describe MODEL` names; may be given again.",
    ),
)

json_option = click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")
seed_option = click.option(
    "--seed",
    type=int,
    callback=_seed,
    default=0,
    metavar="N",
    help="The same seed gives the same result.  [default: 0]",
)
weights_option = click.option(
    "--weights", type=click.Path(path_type=Path), help="A run folder, .safetensors or .pth file."
)
force_option = click.option("--force", is_flag=True, help="Replace what an earlier command wrote there.")


def model_options(command: F) -> F:
    """Add the options that override what the model's text says."""
    for option in reversed(_MODEL):
        command = option(command)
    return command


def input_option(command: F) -> F:
    """Add `--input NAME:1x3x224x224` and `--layout`, which say what a foreign graph's input is."""
    layout = click.option(
        "--layout", metavar="LAYOUT", help="NCHW or NHWC: how an .onnx file takes images.  [default: NCHW]"
    )
    return click.option(
        "--input",
        "inputs",
        multiple=True,
        callback=_shapes,
        metavar="NAME:1x3x224x224",
        help="Fix the open dimensions of an .onnx file's input.",
    )(layout(command))


def _shapes(
    _ctx: click.Context, _param: click.Parameter, given: tuple[str, ...]
) -> Mapping[str, tuple[int, ...]]:
    shapes = {}
    for item in given:
        name, _, shape = item.rpartition(":")
        sizes = shape.split("x")
        if not name or not all(map(_is_size, sizes)):
            raise EdgeCnnError(f"--input {item[:200]} is not NAME:1x3x224x224")
        shapes[name] = tuple(map(int, sizes))
    return shapes


def _is_size(text: str) -> bool:
    return text.isdecimal() and len(text) <= _MOST_DIGITS and int(text) > 0


_MOST_DIGITS = 9
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
        click.option(
            "--mean", callback=_numbers, metavar="M,M,M", help="Subtracted per channel, from pixels in 0..1."
        ),
        click.option(
            "--std", callback=_numbers, metavar="S,S,S", help="Divided by per channel, after the mean."
        ),
        click.option("--channel-order", metavar="ORDER", help="RGB, BGR, L (gray), or raw (no pictures)."),
        click.option("--resize", metavar="HOW", help="squash, or crop: keep the ratio, take the centre."),
        click.option("--crop", type=float, help="Fraction of the picture that the centre crop keeps."),
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
