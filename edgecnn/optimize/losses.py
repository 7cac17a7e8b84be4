"""What is minimized: cross-entropy of images or of pixels, with auxiliary heads and a Dice term where asked.

    L = H(y, ŷ) + w Σ H(y, ŷ_aux)                              classification; w is the network's `aux_weight`
    L = mean over counted pixels of H(y, ŷ) + d (1 - Dice)     segmentation; d is the recipe's `dice`
    Dice = mean over classes of (2 Σ p t + 1) / (Σ p + Σ t + 1)

p are the softmax's probabilities and t the one-hot targets, summed over the pixels of the batch that count
(Milletari et al. 2016, arXiv:1606.04797, in the form without squares). GoogLeNet has w = 0.3
(arXiv:1409.4842), Inception-v3 0.4 as torchvision trains it.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from edgecnn.data import IGNORE
from edgecnn.errors import EdgeCnnError
from edgecnn.training_recipe import Recipe

Outputs = Tensor | tuple[Tensor, ...]
Loss = Callable[[Outputs, Any, Tensor], Tensor]
"""(outputs of the network, targets or None, inputs) → the mean loss of a batch, a scalar."""


def classification_loss(module: nn.Module, recipe: Recipe) -> Loss:
    """Return the loss of a network that names a class, with what its auxiliary heads add."""
    aux_weight = float(getattr(module, "aux_weight", 0.0))
    return partial(_classification, smoothing=recipe.label_smoothing, aux_weight=aux_weight)


def segmentation_loss(recipe: Recipe) -> Loss:
    """Return the loss of a network that names a class for each pixel."""
    return partial(_segmentation, smoothing=recipe.label_smoothing, dice_weight=recipe.dice)


def _classification(
    outputs: Outputs, targets: Tensor, _inputs: Tensor, *, smoothing: float, aux_weight: float
) -> Tensor:
    main, *heads = outputs if isinstance(outputs, tuple) else (outputs,)
    loss = F.cross_entropy(main.flatten(1), targets, label_smoothing=smoothing)
    for head in heads:
        loss = loss + aux_weight * F.cross_entropy(head.flatten(1), targets, label_smoothing=smoothing)
    return loss


def _segmentation(
    outputs: Outputs, masks: Tensor, _inputs: Tensor, *, smoothing: float, dice_weight: float
) -> Tensor:
    scores = main_output(outputs)
    masks = centre(masks, scores)
    # A sum over no pixels at all is 0, where the mean would not be finite.
    total = F.cross_entropy(scores, masks, ignore_index=IGNORE, reduction="sum", label_smoothing=smoothing)
    loss = total / (masks != IGNORE).sum().clamp(min=1)
    return loss + dice_weight * (1 - soft_dice(scores, masks)) if dice_weight else loss


def soft_dice(scores: Tensor, masks: Tensor) -> Tensor:
    """Return the mean over classes of the Dice of probabilities.

    Args:
        scores: (n, classes, h, w), before the softmax.
        masks: int64 (n, h, w); pixels of class `IGNORE` are not counted.
    """
    counted = (masks != IGNORE)[:, None]
    p = scores.softmax(1) * counted
    t = F.one_hot(masks.where(counted[:, 0], 0), scores.shape[1]).movedim(-1, 1) * counted
    both, each = ((p * t).sum((0, 2, 3)), (p + t).sum((0, 2, 3)))
    return ((2 * both + 1) / (each + 1)).mean()


def main_output(outputs: Outputs) -> Tensor:
    """Return what the network answers, without its auxiliary heads."""
    return outputs[0] if isinstance(outputs, tuple) else outputs


def centre(masks: Tensor, scores: Tensor) -> Tensor:
    """Return the middle of masks (n, h, w), of which the scores (n, classes, ≤ h, ≤ w) are."""
    (rows, columns), (height, width) = masks.shape[-2:], scores.shape[-2:]
    top, left = (rows - height) // 2, (columns - width) // 2
    if top < 0 or left < 0:
        raise EdgeCnnError(
            f"the network's map of {height} x {width} is larger than the masks of {rows} x {columns}"
        )
    return masks[..., top : top + height, left : left + width]


def check_targets(outputs: Outputs, targets: Tensor) -> None:
    """Raise `EdgeCnnError` where targets (n,) or (n, h, w) are of no class of the network's.

    Args:
        outputs: of the network.
        targets: on the CPU, so that looking at them does not wait for a GPU.
    """
    classes = main_output(outputs).shape[1]
    counted = targets[targets != IGNORE] if targets.dim() > 1 else targets
    if counted.numel() and (int(counted.max()) >= classes or int(counted.min()) < 0):
        raise EdgeCnnError(f"the network has {classes} outputs, but there is a label {counted.max()}")


@torch.no_grad()
def hits(outputs: Outputs, targets: Tensor) -> Tensor:
    """Return how many images, or counted pixels, are right, and of how many: (2,)."""
    scores = main_output(outputs)
    if targets.dim() == 1:
        right = scores.flatten(1).argmax(1) == targets
        return torch.stack([right.sum(), torch.ones_like(right).sum()])
    masks = centre(targets, scores)
    counted = masks != IGNORE
    return torch.stack([((scores.argmax(1) == masks) & counted).sum(), counted.sum()])
