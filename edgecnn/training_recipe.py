"""`Recipe`: how long, how fast and with what to train.

The learning rate rises linearly during warm-up and follows its schedule from the start:

    lr(epoch) = lr * min(1, epoch / warmup_epochs) * schedule(epoch)
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Self

from edgecnn.errors import EdgeCnnError, UnknownNameError

_SCHEDULES: Mapping[str, Callable[["Recipe", float], float]] = {
    "constant": lambda _recipe, _epoch: 1.0,
    "cosine": lambda recipe, epoch: (1 + math.cos(math.pi * epoch / recipe.epochs)) / 2,
    "step": lambda recipe, epoch: recipe.step_factor ** (epoch // recipe.step_epochs),
}

_LARGEST = 1e6
_RANGES: Mapping[str, tuple[type, Callable[[float], bool], str]] = {
    "epochs": (int, lambda value: 1 <= value <= _LARGEST, "a whole number of at least 1"),
    "batch": (int, lambda value: 2 <= value <= _LARGEST, "a whole number of at least 2"),
    "lr": (float, lambda value: 0 < value <= _LARGEST, "a number above 0"),
    "momentum": (float, lambda value: 0 <= value < 1, "a number of at least 0 and below 1"),
    "weight_decay": (float, lambda value: 0 <= value < 1, "a number of at least 0 and below 1"),
    "warmup_epochs": (float, lambda value: 0 <= value <= _LARGEST, "a number of at least 0"),
    "step_epochs": (int, lambda value: 1 <= value <= _LARGEST, "a whole number of at least 1"),
    "step_factor": (float, lambda value: 0 < value <= 1, "a number above 0 and at most 1"),
    "label_smoothing": (float, lambda value: 0 <= value < 1, "a number of at least 0 and below 1"),
    "shift": (int, lambda value: 0 <= value <= _LARGEST, "a whole number of pixels of at least 0"),
}


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How to train.

    Attributes:
        epochs: passes over the images.
        batch: images per step.
        lr: the highest learning rate.
        momentum: the fraction of the last step that the next one keeps.
        weight_decay: of every weight but biases and BatchNorm's.
        warmup_epochs: during which the learning rate rises linearly from 0.
        schedule: `cosine` to 0, `step`, or `constant`.
        step_epochs: of `step`, after how many epochs the learning rate is multiplied...
        step_factor: ...by this.
        label_smoothing: the share of the target that is spread evenly over the classes.
        shift: each image is moved by up to so many pixels, its border repeated.
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
    label_smoothing: float = 0.0
    shift: int = 0

    def __post_init__(self) -> None:
        for name, (kind, allowed, text) in _RANGES.items():
            value = getattr(self, name)
            numeric = isinstance(value, (int, kind)) and not isinstance(value, bool)
            if not numeric or not allowed(value):
                raise EdgeCnnError(f"{name.replace('_', '-')}={value} of the training is not {text}")
        if self.schedule not in _SCHEDULES:
            raise UnknownNameError("schedule", self.schedule, _SCHEDULES)

    def override(self, **given: Any) -> Self:
        """Return the recipe with every given value that is not None in place of its own."""
        unknown = sorted(set(given) - set(self.__dataclass_fields__))
        if unknown:
            raise UnknownNameError("key of a training recipe", unknown[0], self.__dataclass_fields__)
        return replace(self, **{key: value for key, value in given.items() if value is not None})

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON data."""
        return asdict(self)

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
