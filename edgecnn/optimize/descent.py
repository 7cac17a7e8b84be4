"""The optimizers: stochastic gradient descent with momentum, and AdamW.

    v ← m v + ∇L(w) + λ w,    w ← w - lr(t) v,    λ = 0 for biases and BatchNorm
    w ← w - lr(t) (m̂ / (√v̂ + ε) + λ w)          m̂, v̂ the unbiased means of ∇L and its square

The second takes steps of one size whatever the size of the gradients, so that one learning rate serves
networks with and without BatchNorm. Source: Loshchilov and Hutter 2019, arXiv:1711.05101.
"""

from typing import Any

import torch
from torch import nn

from edgecnn.errors import EdgeCnnError
from edgecnn.training_recipe import Recipe


def descent(module: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    """Return the optimizer of every parameter of `module` that requires a gradient."""
    groups = _groups(module, recipe)
    if recipe.optimizer == "adamw":
        return torch.optim.AdamW(groups, lr=recipe.lr)
    return torch.optim.SGD(groups, lr=recipe.lr, momentum=recipe.momentum)


def _groups(module: nn.Module, recipe: Recipe) -> list[dict[str, Any]]:
    """Split the parameters: biases and BatchNorm's scales and shifts have one dimension and do not decay."""
    parameters = [parameter for parameter in module.parameters() if parameter.requires_grad]
    if not parameters:
        raise EdgeCnnError("the network has no parameters to train")
    decayed = [parameter for parameter in parameters if parameter.dim() > 1]
    others = [parameter for parameter in parameters if parameter.dim() <= 1]
    groups = ((decayed, recipe.weight_decay), (others, 0.0))
    return [{"params": group, "weight_decay": decay} for group, decay in groups if group]
