"""`Training`: what a pass that trains may use besides the graph."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from edgecnn.optimize.batches import Batches
    from edgecnn.optimize.epoch import Epoch
    from edgecnn.optimize.loop import Augment

State = dict[str, Any]


class Checkpoints(Protocol):
    """Where a training keeps what its last finished epoch left, by the name of the training."""

    def checkpoint(self, name: str) -> State | None:
        """Return what was kept; None at a beginning."""
        ...

    def keep_checkpoint(self, name: str, state: State) -> None:
        """Keep the state, in place of the one before."""
        ...

    def discard_checkpoint(self, name: str) -> None:
        """Forget a training that is not to go on."""
        ...


def _silent(_what: str, _epoch: "Epoch") -> None:
    return None


def _unheard(_name: str, _done: int, _of: int) -> None:
    return None


@dataclass(frozen=True, kw_only=True, eq=False)
class Training:
    """Pictures to train on, and where and how a training runs.

    Attributes:
        batches: opens the pictures, as the network reads them; targets are classes in the order of the
            network's outputs, or masks, or None. Called when a training begins, and again by the next one.
        labelled: whether there are targets.
        masks: whether they are masks.
        on: `cpu`, `cuda`, or `auto`.
        precision: fp32, or bf16 or fp16 where the device has it.
        augment: changes each batch, for student and teacher alike; None leaves it.
        checkpoints: what makes a training go on after an interruption.
        on_batch: called after each batch with the name of the training, the pictures done, and those of the
            epoch.
        on_epoch: called after each epoch with the name of the training.
    """

    batches: "Callable[[], Batches]"
    labelled: bool = False
    masks: bool = False
    on: str = "cpu"
    precision: str = "fp32"
    augment: "Augment | None" = None
    checkpoints: Checkpoints | None = None
    on_batch: Callable[[str, int, int], None] = _unheard
    on_epoch: "Callable[[str, Epoch], None]" = _silent
