"""The training loop: stochastic gradient descent with momentum.

v ← m v + ∇L(w) + λ w,    w ← w - lr(t) v,    λ = 0 for biases and BatchNorm
"""

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils import deterministic

from edgecnn.errors import EdgeCnnError
from edgecnn.runtime.torch_runner import mode
from edgecnn.training_recipe import Recipe

__all__ = ["Epoch", "Recipe", "shifted", "steps_per_epoch", "train"]


@dataclass(frozen=True, kw_only=True)
class Epoch:
    """What one pass over the images gave; every figure is measured.

    Attributes:
        epoch: its number, from 1.
        epochs: how many there are to be.
        loss: mean over the images, as they were trained on.
        accuracy: the fraction of them that were right at that moment.
        lr: the learning rate of the last step.
        images_per_s: the rate of training.
        elapsed_s: since the start of the training.
        left_s: until its end, at the mean rate so far.
    """

    epoch: int
    epochs: int
    loss: float
    accuracy: float
    lr: float
    images_per_s: float
    elapsed_s: float
    left_s: float

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON data."""
        return asdict(self)


def train(
    module: nn.Module,
    images: np.ndarray,
    labels: np.ndarray,
    recipe: Recipe,
    *,
    seed: int,
    on_epoch: Callable[[Epoch], None] | None = None,
) -> tuple[Epoch, ...]:
    """Train `module` in place on labelled images.

    The same seed gives the same weights, bit for bit, on the same machine with the same number of threads.
    Torch's global state (random numbers, threads, determinism) and the module's mode stay as they were.

    Args:
        module: (n, c, h, w) → logits (n, classes).
        images: float32 (n, c, h, w), preprocessed.
        labels: int64 (n,).
        recipe: how.
        seed: of the order of the images, their shifts and dropout.
        on_epoch: called after every epoch.

    Raises:
        EdgeCnnError: where the labels do not fit the network or the loss is not finite.
    """
    with _reproducible(seed), mode(module, training=True), torch.enable_grad():
        training = _Training(module, images, labels, recipe, torch.Generator().manual_seed(seed))
        epochs = []
        for number in range(1, recipe.epochs + 1):
            epochs.append(training.epoch(number))
            if on_epoch:
                on_epoch(epochs[-1])
        training.optimizer.zero_grad()
    return tuple(epochs)


class _Training:
    """The state of one training between its epochs."""

    def __init__(
        self,
        module: nn.Module,
        images: np.ndarray,
        labels: np.ndarray,
        recipe: Recipe,
        generator: torch.Generator,
    ) -> None:
        if len(images) < 2 or len(images) != len(labels):
            raise EdgeCnnError(
                f"there are {len(images)} images and {len(labels)} labels; training needs 2 or more, each"
                " with its label"
            )
        self.module, self.recipe, self.generator = module, recipe, generator
        self.images = torch.from_numpy(np.ascontiguousarray(images, np.float32))
        self.labels = torch.from_numpy(np.ascontiguousarray(labels, np.int64))
        self.optimizer = torch.optim.SGD(_groups(module, recipe), lr=recipe.lr, momentum=recipe.momentum)
        self.steps = steps_per_epoch(len(images), recipe.batch)
        self.started_s = time.perf_counter()

    def epoch(self, number: int) -> Epoch:
        """Pass over all images once."""
        order = torch.randperm(len(self.images), generator=self.generator)
        began_s = time.perf_counter()
        loss_sum, right, lr = 0.0, 0, 0.0
        for index, chosen in enumerate(torch.tensor_split(order, self.steps)):
            lr = self.recipe.learning_rate((number - 1) * self.steps + index, self.steps)
            loss, hits = self.step(chosen, lr, number)
            loss_sum, right = loss_sum + loss * len(chosen), right + hits
        self.check_weights(number)
        now_s, n = time.perf_counter(), len(order)
        elapsed_s = now_s - self.started_s
        return Epoch(
            epoch=number,
            epochs=self.recipe.epochs,
            loss=loss_sum / n,
            accuracy=right / n,
            lr=lr,
            images_per_s=n / (now_s - began_s),
            elapsed_s=elapsed_s,
            left_s=elapsed_s / number * (self.recipe.epochs - number),
        )

    def step(self, chosen: Tensor, lr: float, number: int) -> tuple[float, int]:
        """Take one step on the chosen images; return the mean loss and how many were right."""
        inputs, labels = shifted(self.images[chosen], self.recipe.shift, self.generator), self.labels[chosen]
        logits = self.module(inputs).flatten(1)
        if int(labels.max()) >= logits.shape[1] or int(labels.min()) < 0:
            raise EdgeCnnError(
                f"the network has {logits.shape[1]} outputs, but there is a label {labels.max()}"
            )
        loss = F.cross_entropy(logits, labels, label_smoothing=self.recipe.label_smoothing)
        if not math.isfinite(loss.item()):
            raise self.diverged(f"the loss is {loss.item()}", number)
        for group in self.optimizer.param_groups:
            group["lr"] = lr
        self.optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimizer.step()
        return loss.item(), int((logits.argmax(1) == labels).sum())

    def check_weights(self, number: int) -> None:
        """Raise where a step, the last one too, left a weight or statistic that is not finite."""
        for name, tensor in self.module.state_dict().items():
            if not bool(tensor.isfinite().all()):
                raise self.diverged(f"{name} is not finite", number)

    def diverged(self, what: str, number: int) -> EdgeCnnError:
        """Return the error to raise."""
        return EdgeCnnError(
            f"the training diverged: {what} in epoch {number}; lower --lr (it is {self.recipe.lr:g})"
        )


def steps_per_epoch(n: int, batch: int) -> int:
    """Return into how many batches of at most `batch`, as equal as possible, n images are split.

    A short last batch would spoil BatchNorm's statistics: two images at one place become 1 and -1 whatever
    they show, and a single one is refused by torch; it joins another.
    """
    return min(math.ceil(n / batch), n // 2)


def shifted(images: Tensor, most: int, generator: torch.Generator) -> Tensor:
    """Move each image (n, c, h, w) by up to `most` pixels along either axis; its border is repeated."""
    if not most:
        return images
    n, c, h, w = images.shape
    down, right = torch.randint(-most, most + 1, (2, n, 1), generator=generator)
    rows = (torch.arange(h) - down).clamp(0, h - 1)  # (n, h)
    columns = (torch.arange(w) - right).clamp(0, w - 1)  # (n, w)
    image, channel = torch.arange(n)[:, None, None, None], torch.arange(c)[None, :, None, None]
    return images[image, channel, rows[:, None, :, None], columns[:, None, None, :]]


def _groups(module: nn.Module, recipe: Recipe) -> list[dict[str, Any]]:
    """Split the parameters: biases and BatchNorm's scales and shifts have one dimension and do not decay."""
    parameters = [parameter for parameter in module.parameters() if parameter.requires_grad]
    if not parameters:
        raise EdgeCnnError("the network has no parameters to train")
    decayed = [parameter for parameter in parameters if parameter.dim() > 1]
    others = [parameter for parameter in parameters if parameter.dim() <= 1]
    groups = ((decayed, recipe.weight_decay), (others, 0.0))
    return [{"params": group, "weight_decay": decay} for group, decay in groups if group]


@contextmanager
def _reproducible(seed: int) -> Iterator[None]:
    """Make torch deterministic and seeded within the block, and put its global state back afterwards."""
    enabled = torch.are_deterministic_algorithms_enabled()
    warn_only = torch.is_deterministic_algorithms_warn_only_enabled()
    fill = deterministic.fill_uninitialized_memory  # type: ignore[attr-defined]
    with torch.random.fork_rng(devices=[]):
        try:
            torch.default_generator.manual_seed(seed)
            torch.use_deterministic_algorithms(True, warn_only=True)
            deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]  # only costs time
            yield
        finally:
            torch.use_deterministic_algorithms(enabled, warn_only=warn_only)
            deterministic.fill_uninitialized_memory = fill  # type: ignore[attr-defined]
