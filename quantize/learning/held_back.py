"""Pictures that a training holds back, and what is measured of a student on them."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from edgecnn.errors import EdgeCnnError
from edgecnn.optimize import Batches, Loss
from edgecnn.optimize.best import Score
from edgecnn.optimize.distillation import answers
from edgecnn.optimize.losses import hits, main_output
from edgecnn.runtime.torch_runner import mode

_MOST, _EVERY = 1000, 10  # at most so many pictures, and one in so many, are held back
_BATCH = 64  # of them


def divided(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the positions of the pictures to train on, and of those to hold back.

    Raises `EdgeCnnError` where there are too few for both.
    """
    most = min(_MOST, n // _EVERY)
    if not most:
        raise EdgeCnnError(f"{n} pictures are too few to train on; give at least {_EVERY}")
    order = np.random.default_rng(seed).permutation(n)
    return np.sort(order[most:]), np.sort(order[:most])


@dataclass(frozen=True, eq=False)
class Chosen:
    """Some of the pictures, with or without their targets."""

    batches: Batches
    positions: np.ndarray
    targets: bool
    tell: Callable[[int, int], None] = lambda _done, _of: None

    def __len__(self) -> int:
        return len(self.positions)

    def take(self, parts: Sequence[np.ndarray]) -> Iterator[tuple[Tensor, Tensor | None]]:
        """Give one batch for each part."""
        done = 0
        for inputs, targets in self.batches.take([self.positions[part] for part in parts]):
            done += len(inputs)
            self.tell(done, len(self))
            yield inputs, targets if self.targets else None


@dataclass(frozen=True, eq=False)
class Validation:
    """What is measured of the student on pictures that it is not trained on."""

    teacher: nn.Module | None
    loss: Loss
    batches: Chosen
    device: torch.device

    def __call__(self, module: nn.Module) -> Score:
        """Return the fraction that is right, and the loss."""
        n = len(self.batches)
        parts = [np.arange(start, min(start + _BATCH, n)) for start in range(0, n, _BATCH)]
        lost, right = 0.0, torch.zeros(2, dtype=torch.float64)
        home = next((parameter.device for parameter in module.parameters()), self.device)
        with mode(module, training=False), torch.no_grad():
            module.to(self.device)
            for part, (inputs, targets) in zip(parts, self.batches.take(parts), strict=True):
                inputs = inputs.to(self.device)
                targets = None if targets is None else targets.to(self.device)
                outputs = module(inputs)
                lost += float(self.loss(outputs, targets, inputs)) * len(part)
                right += hits(outputs, self.answers(inputs) if targets is None else targets).cpu()
            module.to(home)
        return Score(right=float(right[0] / right[1].clamp(min=1)), loss=lost / n)

    def answers(self, inputs: Tensor) -> Tensor:
        """Return what the teacher names."""
        assert self.teacher is not None
        return answers(main_output(self.teacher(inputs)))
