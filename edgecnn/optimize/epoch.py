"""`Epoch`: what one pass over the images gave."""

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Epoch:
    """What one pass over the images gave; every figure is measured.

    Attributes:
        epoch: its number, from 1.
        epochs: how many there are to be.
        loss: mean over the images, as they were trained on.
        accuracy: the fraction of them (of a segmentation: of the counted pixels) that were right at that
            moment; None without targets.
        validation: the fraction of pictures that are not trained on that were right after the epoch; None
            without such pictures.
        lr: the learning rate of the last step.
        images_per_s: the rate of training.
        elapsed_s: since the start of the training, pauses before a resumption not counted.
        left_s: until its end, at the mean rate so far.
    """

    epoch: int
    epochs: int
    loss: float
    accuracy: float | None
    lr: float
    images_per_s: float
    elapsed_s: float
    left_s: float
    validation: float | None = None

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON data."""
        return asdict(self)
