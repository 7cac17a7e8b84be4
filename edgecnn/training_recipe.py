"""`Recipe`: how long, how fast and with what to train.

The learning rate rises linearly during warm-up and follows its schedule from the start:

    lr(epoch) = lr * min(1, epoch / warmup_epochs) * schedule(epoch)
"""

import math
from bisect import bisect_right
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any, Self

from edgecnn.augmentation import Augmentation
from edgecnn.errors import EdgeCnnError, UnknownNameError
from edgecnn.ranges import Range, check_ranges, overridden

_SCHEDULES: Mapping[str, Callable[["Recipe", float], float]] = {
    "constant": lambda _recipe, _epoch: 1.0,
    "cosine": lambda recipe, epoch: (1 + math.cos(math.pi * epoch / recipe.epochs)) / 2,
    "step": lambda recipe, epoch: recipe.step_factor ** recipe.steps_before(epoch),
}
SCHEDULES = tuple(_SCHEDULES)
OPTIMIZERS = ("sgd", "adamw")
PRECISIONS = ("fp32", "bf16", "fp16")

_LARGEST = 1e6
_FRACTION = (lambda value: 0 <= value < 1, "a number of at least 0 and below 1")
_RANGES: Mapping[str, Range] = {
    "epochs": (int, lambda value: 1 <= value <= _LARGEST, "a whole number of at least 1"),
    "batch": (int, lambda value: 2 <= value <= _LARGEST, "a whole number of at least 2"),
    "lr": (float, lambda value: 0 < value <= _LARGEST, "a number above 0"),
    "momentum": (float, *_FRACTION),
    "weight_decay": (float, *_FRACTION),
    "warmup_epochs": (float, lambda value: 0 <= value <= _LARGEST, "a number of at least 0"),
    "step_epochs": (int, lambda value: 1 <= value <= _LARGEST, "a whole number of at least 1"),
    "step_factor": (float, lambda value: 0 < value <= 1, "a number above 0 and at most 1"),
    "label_smoothing": (float, *_FRACTION),
    "dice": (float, lambda value: 0 <= value <= _LARGEST, "a number of at least 0"),
    "dropout": (float, *_FRACTION),
    "ema": (float, *_FRACTION),
}
_WORDS = {"schedule": SCHEDULES, "optimizer": OPTIMIZERS, "precision": PRECISIONS}


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How to train.

    Attributes:
        epochs: passes over the images.
        batch: images per step, and per process where there are several.
        lr: the highest learning rate.
        momentum: the fraction of the last step that the next one keeps.
        weight_decay: of every weight but biases and BatchNorm's.
        warmup_epochs: during which the learning rate rises linearly from 0.
        schedule: `cosine` to 0, `step`, or `constant`.
        step_epochs: of `step`, after how many epochs, again and again, the learning rate is multiplied...
        step_factor: ...by this.
        milestones: of `step`, the epochs after which it is, in place of `step_epochs`.
        label_smoothing: the share of the target that is spread evenly over the classes.
        dice: weight of the Dice term that is added to the loss of a segmentation.
        dropout: probability of every dropout layer; None leaves the network's own.
        ema: how much of itself the moving average of the weights keeps at a step; 0 is without average.
        optimizer: `sgd` with momentum, or `adamw`, which takes no momentum.
        precision: fp32, or bf16 or fp16 where the device has it.
        flip: probability of mirroring left and right.
        shift: most pixels by which an image is moved, its border repeated.
        crop: pixels of mean colour around an image before a random part of its size is cut out.
        scale: least fraction of the area that a random part keeps, which is resized to the input; 1 is off.
        colour: brightness, contrast and saturation are multiplied by up to 1 ± this.
        cutout: side in pixels of a square of mean colour at a random place.
    """

    epochs: int = 30
    batch: int = 32
    lr: float = 0.1
    momentum: float = 0.9
    weight_decay: float = 5e-4
    warmup_epochs: float = 2.0
    schedule: str = "cosine"
    step_epochs: int = 10
    step_factor: float = 0.1
    milestones: tuple[int, ...] = ()
    label_smoothing: float = 0.0
    dice: float = 0.0
    dropout: float | None = None
    ema: float = 0.0
    optimizer: str = "sgd"
    precision: str = "fp32"
    flip: float = 0.0
    shift: int = 0
    crop: int = 0
    scale: float = 1.0
    colour: float = 0.0
    cutout: int = 0

    def __post_init__(self) -> None:
        ranges = dict(_RANGES)
        if self.dropout is None:
            del ranges["dropout"]
        check_ranges(self, ranges, "training")
        for name, words in _WORDS.items():
            if getattr(self, name) not in words:
                raise UnknownNameError(name, getattr(self, name), words)
        object.__setattr__(self, "milestones", _milestones(self.milestones))
        _ = self.augmentation  # checks its own values

    @property
    def augmentation(self) -> Augmentation:
        """Return the random changes of the images."""
        return Augmentation(**{name: getattr(self, name) for name in Augmentation.__dataclass_fields__})

    def override(self, **given: Any) -> Self:
        """Return the recipe with every given value that is not None in place of its own.

        The steps of a schedule are given in one of two ways; the one given replaces the other.
        """
        if given.get("step_epochs") is not None and given.get("milestones") is None:
            given["milestones"] = ()
        return overridden(self, "key of a training recipe", given)

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON data."""
        return asdict(self) | {"milestones": list(self.milestones)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Read what `to_json` gave."""
        return cls().override(**data)

    def learning_rate(self, step: int, steps_per_epoch: int) -> float:
        """Return the learning rate of the step with this number, from 0."""
        warmup_steps = max(1.0, self.warmup_epochs * steps_per_epoch)
        return (
            self.lr
            * min(1.0, (step + 1) / warmup_steps)
            * _SCHEDULES[self.schedule](self, step / steps_per_epoch)
        )

    def steps_before(self, epoch: float) -> int:
        """Return how often the schedule `step` has multiplied the learning rate by then."""
        return bisect_right(self.milestones, epoch) if self.milestones else int(epoch // self.step_epochs)


def _milestones(given: Any) -> tuple[int, ...]:
    whole = isinstance(given, (list, tuple)) and all(type(epoch) is int and epoch >= 1 for epoch in given)
    if not whole or any(after <= before for before, after in pairwise(given)):
        raise EdgeCnnError(
            f"milestones={given} of the training are not numbers of epochs that rise, such as 30,60"
        )
    return tuple(given)
