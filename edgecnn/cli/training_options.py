"""Options that say where the passes that train run, and how their pictures are changed at random."""

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from edgecnn import units
from edgecnn.calls import to_value
from edgecnn.training_recipe import PRECISIONS

if TYPE_CHECKING:
    from edgecnn.optimize import Epoch

F = TypeVar("F", bound=Callable[..., Any])

_FLAGS = (
    click.option(
        "--on",
        metavar="WHERE",
        help="Train on cuda, cpu, or auto: a GPU where there is one.  [default: auto]",
    ),
    click.option(
        "--precision", metavar="NAME", help=f"To train in: {', '.join(PRECISIONS)}.  [default: fp32]"
    ),
    click.option(
        "--augment",
        metavar="KEY=VALUE,...",
        help="Random changes of training pictures: flip=0.5,shift=2; none.  [default: those of a run folder]",
    ),
    click.option("--workers", type=click.IntRange(0), help="Processes that decode training pictures."),
)
_NAMES = ("on", "precision", "augment", "workers")


def training_options(command: F) -> F:
    """Add the options; they reach the command as `training`."""

    @functools.wraps(command)
    def gathered(*args: Any, **given: Any) -> Any:
        from edgecnn.pipeline.training_pictures import TrainingPlace

        fields = {name: given.pop(name) for name in _NAMES}
        fields["augmentation"] = _augmentation(fields.pop("augment"))
        said = {name: value for name, value in fields.items() if value is not None}
        return command(*args, training=TrainingPlace(**said), **given)

    for option in reversed(_FLAGS):
        gathered = option(gathered)
    return gathered  # type: ignore[return-value]


def _augmentation(given: str | None) -> Any:
    from edgecnn.augmentation import Augmentation

    if given is None:
        return None
    pairs = {}
    for item in given.split(",") if given != "none" else ():
        key, equals, value = item.strip().partition("=")
        if not key or not equals or not value:
            raise click.BadParameter(f"--augment {item!r} is not KEY=VALUE, such as flip=0.5")
        pairs[key] = to_value(value)
    return Augmentation().override(**pairs)


def epoch_line(name: str, epoch: "Epoch") -> str:
    """Return what is said about an epoch of a pass."""
    right = "" if epoch.validation is None else f"  right {epoch.validation:.2%} (held back)"
    return (
        f"epoch {epoch.epoch}/{epoch.epochs} of {name}  loss {epoch.loss:.4f}{right}"
        f"  {epoch.images_per_s:.0f} images/s  {units.clock(epoch.left_s)} left"
    )
