"""The best weights of a training, by pictures that are not trained on, and when to stop looking further."""

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn


class Score(NamedTuple):
    """What is measured: the fraction of the pictures that are right, and the loss."""

    right: float
    loss: float


class Best:
    """Keeps what was best so far of a module, its beginning included.

    Args:
        module: as it begins; what is measured of that is the least that has to be reached.
        score: of the module as it stands, in evaluation mode and without gradients.
        by_loss: whether less loss is better, or first of all more that is right. A few pictures tell a loss
            well, and a fraction badly.
        patience: after how many epochs without a better score a training ends; 0 is never.
    """

    def __init__(
        self, module: nn.Module, score: Callable[[nn.Module], Score], *, by_loss: bool, patience: int
    ) -> None:
        self._score, self._by_loss, self._patience = score, by_loss, patience
        self.first = self.score = score(module)
        self.epoch = self._epochs = 0
        self._weights = _copy(module)

    @property
    def over(self) -> bool:
        """Whether the last epochs brought nothing better."""
        return 0 < self._patience <= self._epochs - self.epoch

    def look(self, module: nn.Module) -> float:
        """Measure the module after an epoch, keep it if it is the best, and return what fraction is right."""
        self._epochs += 1
        found = self._score(module)
        if self._rank(found) > self._rank(self.score):
            self.score, self.epoch, self._weights = found, self._epochs, _copy(module)
        return found.right

    def _rank(self, score: Score) -> tuple[float, ...]:
        return (-score.loss,) if self._by_loss else (score.right, -score.loss)

    def copy_into(self, module: nn.Module) -> None:
        """Give the module its best weights and statistics."""
        module.load_state_dict(self._weights)

    def state(self) -> dict[str, Any]:
        """Return what `load` needs to go on."""
        return {
            "first": list(self.first),
            "score": list(self.score),
            "epoch": self.epoch,
            "epochs": self._epochs,
            "weights": self._weights,
        }

    def load(self, state: dict[str, Any]) -> None:
        """Go on where `state` was returned."""
        self.first, self.score = Score(*state["first"]), Score(*state["score"])
        self.epoch, self._epochs = int(state["epoch"]), int(state["epochs"])
        self._weights = state["weights"]


@torch.no_grad()
def _copy(module: nn.Module) -> dict[str, Tensor]:
    return {name: value.detach().cpu().clone() for name, value in module.state_dict().items()}
