"""Training: one loop, its losses, where it runs, and what it needs to go on after an interruption."""

from edgecnn.optimize.arrays import train
from edgecnn.optimize.augmentation import augmentation
from edgecnn.optimize.averaging import MovingAverage
from edgecnn.optimize.batches import Batches, InMemory, steps_per_epoch
from edgecnn.optimize.epoch import Epoch
from edgecnn.optimize.loop import Augment, DivergedError, Session, State, optimize
from edgecnn.optimize.losses import Loss, classification_loss, segmentation_loss
from edgecnn.optimize.processes import Processes, processes
from edgecnn.training_recipe import Recipe

__all__ = [
    "Augment",
    "Batches",
    "DivergedError",
    "Epoch",
    "InMemory",
    "Loss",
    "MovingAverage",
    "Processes",
    "Recipe",
    "Session",
    "State",
    "augmentation",
    "classification_loss",
    "optimize",
    "processes",
    "segmentation_loss",
    "steps_per_epoch",
    "train",
]
