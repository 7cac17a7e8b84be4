"""`Pictures`: what a user says about the pictures of a recipe, and where its trainings run."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from edgecnn.errors import EdgeCnnError
from edgecnn.pipeline.calibration import IMAGES
from edgecnn.pipeline.training_pictures import TrainingPlace
from edgecnn.quantize import Context

HELD_OUT = 2000  # pictures to measure on, unless told otherwise


@dataclass(frozen=True, kw_only=True)
class Pictures:
    """What passes that need pictures get, and what a network is measured on after each pass.

    Attributes:
        data: the name or path of a data set; its training pictures are calibrated with and trained on, its
            held-out ones measured on.
        count: how many to calibrate with, drawn by the seed.
        held_out: how many to measure on at most, evenly spread.
        preprocessing: fields of the network's contract; a foreign graph needs `mean`, `std`, `channel_order`.
        scheme: whose rules pairs follow, `tflite` or `tensorrt`; a target decides by itself.
        training: where passes train, and with which augmentation.
    """

    data: str | None = None
    count: int = IMAGES
    held_out: int = HELD_OUT
    preprocessing: Mapping[str, Any] = field(default_factory=dict)
    scheme: str | None = None
    training: TrainingPlace = field(default_factory=TrainingPlace)

    def __post_init__(self) -> None:
        Context(scheme=self.scheme or "tflite")  # which knows the schemes
        if self.count < 1:
            raise EdgeCnnError(f"{self.count} pictures are too few to calibrate with; give at least 1")
        if self.held_out < 1:
            raise EdgeCnnError(f"{self.held_out} pictures are too few to measure on; give at least 1")
