"""The one training loop: it serves training, fine-tuning, distillation and quantization-aware training."""

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from edgecnn.errors import EdgeCnnError
from edgecnn.optimize.averaging import MovingAverage
from edgecnn.optimize.batches import Batches, steps_per_epoch
from edgecnn.optimize.best import Best
from edgecnn.optimize.descent import descent
from edgecnn.optimize.epoch import Epoch
from edgecnn.optimize.losses import Loss, check_targets, hits
from edgecnn.optimize.processes import Processes, autocast_dtype
from edgecnn.optimize.reproducible import AUGMENTATION, DROPOUT, ORDER, reproducible, stream_seed
from edgecnn.runtime.torch_runner import mode
from edgecnn.training_recipe import Recipe

State = dict[str, Any]
"""Everything that an epoch leaves to the next: tensors, numbers, lists and dictionaries by name."""

Augment = Callable[[Tensor, Tensor | None, torch.Generator], tuple[Tensor, Tensor | None]]
"""(inputs, masks or None, random numbers) → both, changed alike."""

_LAYOUT = torch.channels_last  # convolutions, depthwise ones above all, are faster so
_LOOK_EVERY = 20  # steps, after which the loss is looked at: on a GPU that waits for it


class DivergedError(EdgeCnnError):
    """A training whose loss or weights are not finite any more."""


@dataclass(frozen=True, kw_only=True)
class Session:
    """Where a training runs, and what goes along with it.

    Attributes:
        processes: the device, and the other processes.
        augment: changes each batch; None leaves it.
        best: keeps the best weights, with which the module ends, and says when to stop; not with a moving
            average.
        resume: what `keep` was given after an epoch; the training goes on behind it.
        keep: called after each epoch, in the first process, with what `resume` takes.
        on_epoch: called after `keep`, in the first process.
    """

    processes: Processes = field(default_factory=Processes)
    augment: Augment | None = None
    best: Best | None = None
    resume: State | None = None
    keep: Callable[[State], None] | None = None
    on_epoch: Callable[[Epoch], None] | None = None


def optimize(
    module: nn.Module,
    batches: Batches,
    loss: Loss,
    recipe: Recipe,
    *,
    seed: int,
    session: Session | None = None,
) -> tuple[Epoch, ...]:
    """Train `module` in place, and leave it where and in the mode it was.

    The same seed gives the same weights, bit for bit, on the same machine with the same number of threads,
    whether or not the training was interrupted in between. Torch's global state (random numbers, threads,
    determinism) and the module's mode stay as they were. With a moving average (`recipe.ema`) the module
    ends with the averages.

    Args:
        module: (n, c, h, w) → outputs.
        batches: the examples.
        loss: (outputs, targets, inputs) → the mean over the batch.
        recipe: how.
        seed: of the order of the examples, the augmentation and dropout.
        session: where; by default alone, on the CPU.

    Raises:
        EdgeCnnError: where labels do not fit the network or the device lacks the precision.
        DivergedError: where the loss or a weight is not finite.
    """
    session = session or Session()
    device, home = session.processes.device, _device(module)
    with (
        reproducible(device),
        mode(module, training=True),
        _dropout(module, recipe.dropout),
        torch.enable_grad(),
    ):
        try:
            _move(module, device, _LAYOUT)
            loop = _Loop(module, batches, loss, recipe, seed, session)
            loop.run()
        finally:
            _move(module, home, torch.contiguous_format)
    return tuple(loop.history)


class _Loop:
    """The state of one training between its epochs."""

    def __init__(
        self,
        module: nn.Module,
        batches: Batches,
        loss: Loss,
        recipe: Recipe,
        seed: int,
        session: Session,
    ) -> None:
        self.module, self.batches, self.loss, self.recipe = module, batches, loss, recipe
        self.seed, self.session, self.processes = seed, session, session.processes
        self.steps = steps_per_epoch(len(batches), recipe.batch, self.processes.count)
        self.autocast = autocast_dtype(recipe.precision, self.processes.device)
        self.scaler = torch.amp.GradScaler("cuda", enabled=recipe.precision == "fp16")
        self.optimizer = descent(module, recipe)
        self.average = MovingAverage(module, recipe.ema) if recipe.ema else None
        self.history: list[Epoch] = []
        self.before_s = 0.0
        if session.resume is not None:
            self.restore(session.resume)
        self.forward = self.processes.join(module)
        self.started_s = time.perf_counter() - self.before_s

    def run(self) -> None:
        """Pass over the examples until there are as many epochs as the recipe says."""
        best = self.session.best
        for number in range(len(self.history) + 1, self.recipe.epochs + 1):
            if self.processes.share(best is not None and best.over):
                break
            epoch = self.epoch(number)
            if best and self.processes.first:
                epoch = replace(epoch, validation=best.look(self.module))
            self.history.append(epoch)
            if self.processes.first and self.session.keep:
                self.session.keep(self.state())
            if self.processes.first and self.session.on_epoch:
                self.session.on_epoch(self.history[-1])
        self.optimizer.zero_grad()
        if self.average:
            self.average.copy_into_module()
        if best and self.processes.first:
            best.copy_into(self.module)

    def epoch(self, number: int) -> Epoch:
        """Pass over all examples once."""
        began_s = time.perf_counter()
        whole, own = self.parts(number)
        generator = torch.Generator().manual_seed(self.seed_of(number, AUGMENTATION))
        _seed_dropout(self.seed_of(number, DROPOUT), self.processes.device)
        losses, right, lr = [], [], 0.0
        for index, (inputs, targets) in enumerate(self.batches.take(own)):
            lr = self.recipe.learning_rate((number - 1) * self.steps + index, self.steps)
            share = len(own[index]) * self.processes.count / len(whole[index])
            inputs, targets = self.augmented(inputs, targets, generator)
            loss, hit = self.step(inputs, targets, lr, share)
            losses.append(loss * len(own[index]))
            right += [] if hit is None else [hit]
            if index % _LOOK_EVERY == 0:
                self.check_loss(float(loss), number)
        sums = self.processes.sum(torch.stack(losses).sum())
        found = self.processes.sum(torch.stack(right).sum(0)).tolist() if right else [0, 0]
        self.check_loss(float(sums), number)
        self.check_weights(number)
        now_s, n = time.perf_counter(), len(self.batches)
        return Epoch(
            epoch=number,
            epochs=self.recipe.epochs,
            loss=float(sums) / n,
            accuracy=found[0] / found[1] if found[1] else None,
            lr=lr,
            images_per_s=n / (now_s - began_s),
            elapsed_s=now_s - self.started_s,
            left_s=(now_s - self.started_s) / number * (self.recipe.epochs - number),
        )

    def parts(self, number: int) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """Return the indices of each step of an epoch, and those of them that are this process's."""
        # Every process draws the same order.
        order = np.random.default_rng(stream_seed(self.seed, number, ORDER)).permutation(len(self.batches))
        whole = np.array_split(order, self.steps)
        count, rank = self.processes.count, self.processes.rank
        return whole, [np.array_split(part, count)[rank] for part in whole]

    def seed_of(self, number: int, purpose: int) -> int:
        """Return the seed of this process's random numbers in an epoch."""
        return stream_seed(self.seed, number, purpose, self.processes.rank)

    def augmented(
        self, inputs: Tensor, targets: Tensor | None, generator: torch.Generator
    ) -> tuple[Tensor, Tensor | None]:
        """Return the batch with its random changes; masks are changed with their images."""
        if self.session.augment is None:
            return inputs, targets
        masks = targets if targets is not None and targets.dim() > 1 else None
        inputs, masks = self.session.augment(inputs, masks, generator)
        return inputs, targets if masks is None else masks

    def step(
        self, inputs: Tensor, targets: Tensor | None, lr: float, share: float
    ) -> tuple[Tensor, Tensor | None]:
        """Take one step; return the mean loss, and how many targets were right of how many."""
        device = self.processes.device
        layout = _LAYOUT if inputs.dim() == 4 else torch.preserve_format
        inputs = inputs.to(device, non_blocking=True, memory_format=layout)
        with torch.autocast(device.type, self.autocast, enabled=self.autocast is not None):
            outputs = self.forward(inputs)
            labels = targets if targets is not None and targets.dtype == torch.int64 else None
            if labels is not None:
                check_targets(outputs, labels)
            targets = None if targets is None else targets.to(device, non_blocking=True)
            loss = self.loss(outputs, targets, inputs)
        for group in self.optimizer.param_groups:
            group["lr"] = lr
        self.optimizer.zero_grad()
        self.processes.backward(self.scaler.scale(loss * share if share != 1 else loss))
        self.scaler.step(self.optimizer)
        self.scaler.update()
        if self.average:
            self.average.update()
        return loss.detach(), None if labels is None else hits(outputs, labels.to(device))

    def check_loss(self, loss: float, number: int) -> None:
        """Raise where the loss is not finite."""
        if not math.isfinite(loss):
            raise self.diverged(f"the loss is {loss}", number)

    def check_weights(self, number: int) -> None:
        """Raise where a step, the last one too, left a weight or statistic that is not finite."""
        for name, tensor in self.module.state_dict().items():
            if not bool(tensor.isfinite().all()):
                raise self.diverged(f"{name} is not finite", number)

    def diverged(self, what: str, number: int) -> DivergedError:
        """Return the error to raise."""
        return DivergedError(
            f"the training diverged: {what} in epoch {number}; lower --lr (it is {self.recipe.lr:g})"
        )

    def state(self) -> State:
        """Return what the next epoch needs of the ones before it."""
        return {
            "module": self.module.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "average": self.average.state() if self.average else None,
            "scaler": self.scaler.state_dict(),
            "best": self.session.best.state() if self.session.best else None,
            "history": [epoch.to_json() for epoch in self.history],
        }

    def restore(self, state: State) -> None:
        """Go on where `state` was returned."""
        self.module.load_state_dict(state["module"])
        self.optimizer.load_state_dict(state["optimizer"])
        if self.average:
            self.average.load(state["average"])
        self.scaler.load_state_dict(state["scaler"])
        if self.session.best:
            self.session.best.load(state["best"])
        self.history = [Epoch(**epoch) for epoch in state["history"]]
        self.before_s = self.history[-1].elapsed_s


def _move(module: nn.Module, device: torch.device, layout: torch.memory_format) -> None:
    module.to(device, memory_format=layout)  # type: ignore[call-overload]  # the stub lacks the layout


def _device(module: nn.Module) -> torch.device:
    return next((parameter.device for parameter in module.parameters()), torch.device("cpu"))


def _seed_dropout(seed: int, device: torch.device) -> None:
    torch.default_generator.manual_seed(seed)
    if device.type == "cuda":
        torch.cuda.manual_seed(seed)


@contextmanager
def _dropout(module: nn.Module, probability: float | None) -> Iterator[None]:
    """Give every dropout layer this probability within the block."""
    layers = [part for part in module.modules() if isinstance(part, nn.Dropout)]
    if probability is not None and not layers:
        raise EdgeCnnError("the network has no dropout layer; leave out --dropout")
    before = [layer.p for layer in layers]
    try:
        for layer in layers:
            layer.p = layer.p if probability is None else probability
        yield
    finally:
        for layer, own in zip(layers, before, strict=True):
            layer.p = own
