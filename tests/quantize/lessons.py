"""Small networks that have something to learn, and what they learn from."""

import numpy as np
import onnx_ir as ir
import torch
from torch import nn

from edgecnn.optimize import InMemory
from edgecnn.quantize import Context, Training

from .networks import graph, pictures

IMAGES = pictures(300, seed=3)


def network(**settings) -> ir.Model:
    """Make a small network with BatchNorm, always the same."""
    return graph(
        nn.Sequential(
            nn.Conv2d(3, 8, 3, padding=1, bias=False),
            nn.BatchNorm2d(8),
            nn.ReLU(),
            nn.Conv2d(8, 8, 3, stride=2, padding=1),
            nn.ReLU(),
            nn.AdaptiveAvgPool2d(2),
            nn.Flatten(),
            nn.Linear(32, settings.get("classes", 5)),
            *settings.get("behind", ()),
        )
    )


def damaged(model: ir.Model, by: float = 0.4) -> ir.Model:
    """Add noise to the weights of convolutions, as a crude compression would."""
    clone, rng = model.clone(), np.random.default_rng(0)
    for name, value in clone.graph.initializers.items():
        weight = value.const_value.numpy()
        if weight.ndim == 4:
            noise = by * weight.std() * rng.standard_normal(weight.shape)
            value.const_value = ir.Tensor((weight + noise).astype(np.float32), name=name)
    return clone


def learning(original: ir.Model | None = None, *, targets=None, images=IMAGES, **fields) -> Context:
    """Return a context with pictures to train on, with or without targets, and to calibrate with."""
    seed = fields.pop("seed", 0)
    inputs = torch.from_numpy(images)
    answers = None if targets is None else torch.from_numpy(targets)
    training = Training(
        batches=lambda: InMemory(inputs, answers), labelled=targets is not None, **{"on": "cpu", **fields}
    )
    return Context(images=lambda: [images[:32]], original=original, training=training, seed=seed)


class Kept:
    """Checkpoints in memory; `fail_after` epochs the process is gone."""

    def __init__(self, fail_after=None):
        self.states, self.left = {}, fail_after

    def checkpoint(self, name):
        return self.states.get(name)

    def keep_checkpoint(self, name, state):
        self.states[name] = {**state, "module": {key: each.clone() for key, each in state["module"].items()}}
        if self.left is not None:
            self.left -= 1
            if not self.left:
                raise KeyboardInterrupt

    def discard_checkpoint(self, name):
        self.states.pop(name, None)
