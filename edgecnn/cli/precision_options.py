"""Options that say which precision is wanted, and with which pictures it is reached."""

import functools
from collections.abc import Callable
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])

_FLAGS = (
    click.option("--int8", is_flag=True, help="Quantize weights and activations to 8 bits."),
    click.option("--fp16", is_flag=True, help="Compute in 16 bits what is left in float."),
    click.option(
        "--calibrate",
        "--images",
        "calibrate",
        metavar="DATA",
        help="For int8, and passes that train: pictures.",
    ),
    click.option("--calibrate-images", type=int, metavar="N", help="How many of them.  [default: 200]"),
    click.option(
        "--observer", metavar="NAME", help="How ranges are chosen: minmax, percentile, mse, entropy."
    ),
    click.option("--allow-float", metavar="OPS", help="Operators that may stay in float, such as LRN."),
    click.option(
        "--max-drop", type=float, metavar="POINTS", help="The cheapest int8 recipe that loses no more."
    ),
    click.option(
        "--data", metavar="DATA", help="What --max-drop is measured on.  [default: that of --calibrate]"
    ),
    click.option(
        "--io",
        metavar="TYPE",
        help="Input and output of a .tflite file: float or int8.  [default: float; a microcontroller: int8]",
    ),
)
_NAMES = (
    "int8",
    "fp16",
    "calibrate",
    "calibrate_images",
    "observer",
    "allow_float",
    "max_drop",
    "data",
    "io",
)


def precision_options(command: F) -> F:
    """Add the options; they reach the command as `quantization`, with what `training_options` gathered."""

    @functools.wraps(command)
    def gathered(*args: Any, **given: Any) -> Any:
        from edgecnn.pipeline.quantization import Quantization

        fields = {name: given.pop(name) for name in (*_NAMES, "training")}
        said = {name: value for name, value in fields.items() if value is not None}
        return command(*args, quantization=Quantization(**said), **given)

    for option in reversed(_FLAGS):
        gathered = option(gathered)
    return gathered  # type: ignore[return-value]
