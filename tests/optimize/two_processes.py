"""Run by torchrun: train a network without BatchNorm in several processes, and write what came of it."""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from edgecnn.optimize import InMemory, Processes, Session, classification_loss, optimize, processes
from edgecnn.training_recipe import Recipe


def train(place: Processes, batch: int) -> dict[str, Any]:
    """Return what this process has in the end."""
    torch.manual_seed(0)
    module = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 25, 3))
    images = np.random.default_rng(0).standard_normal((50, 1, 7, 7), np.float32)
    # 50 images in steps of 32 at most: two of 25, which two processes share as 13 and 12.
    batches = InMemory(torch.from_numpy(images), torch.from_numpy(np.arange(50) % 3))
    recipe = Recipe(epochs=3, batch=batch, lr=0.1, warmup_epochs=0.0, ema=0.5)
    kept, said = [], []
    session = Session(processes=place, keep=kept.append, on_epoch=said.append)
    epochs = optimize(module, batches, classification_loss(module, recipe), recipe, seed=1, session=session)
    return {
        "weights": module.state_dict(),
        "losses": [epoch.loss for epoch in epochs],
        "right": [epoch.accuracy for epoch in epochs],
        "calls": [len(kept), len(said)],
        "shared": place.share(place.rank),
    }


if __name__ == "__main__":
    torch.set_num_threads(1)
    found = processes("cpu")
    torch.save(train(found, 16), Path(sys.argv[1], f"{found.rank}.pt"))
