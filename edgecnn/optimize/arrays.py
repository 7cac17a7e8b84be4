"""Training on arrays that fit in memory: the loop with the loss of a classification."""

from collections.abc import Callable

import numpy as np
import torch
from torch import nn

from edgecnn.optimize.augmentation import augmentation
from edgecnn.optimize.batches import InMemory
from edgecnn.optimize.epoch import Epoch
from edgecnn.optimize.loop import Session, optimize
from edgecnn.optimize.losses import classification_loss
from edgecnn.preprocessing import raw_preprocessing
from edgecnn.training_recipe import Recipe


def train(
    module: nn.Module,
    images: np.ndarray,
    labels: np.ndarray,
    recipe: Recipe,
    *,
    seed: int,
    on_epoch: Callable[[Epoch], None] | None = None,
) -> tuple[Epoch, ...]:
    """Train `module` in place on labelled images, as `optimize` does.

    Args:
        module: (n, c, h, w) → logits (n, classes).
        images: float32 (n, c, h, w), preprocessed.
        labels: int64 (n,).
        recipe: how.
        seed: of the order of the images, their augmentation and dropout.
        on_epoch: called after every epoch.
    """
    batches = InMemory(
        torch.from_numpy(np.ascontiguousarray(images, np.float32)),
        torch.from_numpy(np.ascontiguousarray(labels, np.int64)),
    )
    contract = raw_preprocessing(*images.shape[1:])
    session = Session(augment=augmentation(recipe, contract), on_epoch=on_epoch)
    return optimize(module, batches, classification_loss(module, recipe), recipe, seed=seed, session=session)
