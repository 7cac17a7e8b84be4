"""`Lesson`: how a graph is trained within a recipe; needs no torch."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Self

from edgecnn.calls import Value
from edgecnn.errors import EdgeCnnError, UnknownNameError
from edgecnn.training_recipe import OPTIMIZERS, Recipe

LOSSES = ("kl", "mse")
_FRACTION = (lambda value: 0 <= value <= 1, "a fraction from 0 to 1")
_RANGES: Mapping[str, tuple[Callable[[float], bool], str]] = {
    "temperature": (lambda value: 0 < value <= 1000, "a number above 0 and at most 1000"),
    "features": (lambda value: 0 <= value <= 1e6, "a number of at least 0"),
    "labels": _FRACTION,
    "patience": (lambda value: 0 <= value <= 1e6, "a whole number of at least 0"),
}


@dataclass(frozen=True, kw_only=True)
class Lesson:
    """How a student is trained.

    Attributes:
        epochs: passes over the training pictures.
        batch: pictures in a step.
        lr: the highest learning rate; it rises over the first half epoch and falls as a cosine to 0.
        optimizer: `adamw`, or `sgd` with momentum 0.9.
        weight_decay: of every weight but biases and BatchNorm's.
        loss: `kl` compares classes, `mse` the outputs of a network that names none.
        temperature: of `kl`; higher lets the teacher's small scores say more.
        features: weight of what compares the maps that both networks have.
        labels: share of the loss that labels have; the rest is the teacher's.
        patience: epochs without a better student after which the training ends; 0 is never.
    """

    epochs: int = 5
    batch: int = 64
    lr: float = 1e-3
    optimizer: str = "adamw"
    weight_decay: float = 1e-4
    loss: str = "kl"
    temperature: float = 4.0
    features: float = 0.0
    labels: float = 0.0
    patience: int = 0

    def __post_init__(self) -> None:
        _ = self.recipe  # checks its own values
        for name, (allowed, text) in _RANGES.items():
            if not allowed(getattr(self, name)):
                raise EdgeCnnError(f"{name}={getattr(self, name)} of the training is not {text}")
        for name, words in (("loss", LOSSES), ("optimizer", OPTIMIZERS)):
            if getattr(self, name) not in words:
                raise UnknownNameError(name, getattr(self, name), words)

    @property
    def recipe(self) -> Recipe:
        """Return what the training loop reads."""
        return Recipe(
            epochs=self.epochs,
            batch=self.batch,
            lr=self.lr,
            optimizer=self.optimizer,
            weight_decay=self.weight_decay,
            warmup_epochs=min(_WARM_UP, self.epochs / 10),
        )

    @classmethod
    def of(cls, settings: Mapping[str, Value]) -> Self:
        """Return the lesson of a pass's settings, those that are none of a lesson's left out."""
        return cls(**{key: value for key, value in settings.items() if key in cls.__dataclass_fields__})  # type: ignore[arg-type]


_WARM_UP = 0.5  # epochs
