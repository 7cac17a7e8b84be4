"""Small networks for the tests of passes."""

import numpy as np
import onnx_ir as ir
import torch
from torch import nn

from edgecnn.calls import parse_recipe
from edgecnn.export.recorder import record
from edgecnn.models.initialize import initialize
from edgecnn.quantize import Context, compress


class Branches(nn.Module):
    """A residual sum, then two branches joined, then a classifier; not every layer has a bias."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, padding=1)
        self.inner = nn.Conv2d(8, 8, 3, padding=1, bias=False)
        self.left, self.right = nn.Conv2d(8, 4, 1), nn.Conv2d(8, 6, 3, padding=1)
        self.classifier = nn.Linear(10, 5)

    def forward(self, x):
        x = torch.relu(self.stem(x))
        x = torch.relu(x + self.inner(x))
        x = torch.cat([torch.relu(self.left(x)), torch.relu(self.right(x))], 1)
        return self.classifier(x.mean((2, 3)))


def chain(activation=nn.ReLU):
    """A convolution, a depthwise one, a pointwise one, a classifier."""
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1),
        activation(),
        nn.Conv2d(8, 8, 3, padding=1, groups=8, bias=False),
        activation(),
        nn.Conv2d(8, 6, 1),
        activation(),
        nn.Flatten(),
        nn.Linear(6 * 64, 5),
    )


def graph(module: nn.Module, shape=(1, 3, 8, 8)) -> ir.Model:
    images = torch.randn(16, *shape[1:], generator=torch.Generator().manual_seed(0))
    return record(initialize(module, 0, images), shape)


def pictures(n=24, shape=(3, 8, 8), seed=1) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((n, *shape)).astype(np.float32)


def context(images=None) -> Context:
    """Pictures in batches that no graph's batch divides."""
    images = pictures() if images is None else images
    return Context(images=lambda: [images[start : start + 7] for start in range(0, len(images), 7)])


def after(model: ir.Model, recipe: str, images=None) -> ir.Model:
    return compress(model, parse_recipe(recipe), context=context(images))[-1].after


def spoil(model: ir.Model, first: str, second: str, scale: np.ndarray) -> ir.Model:
    """Scale the channels between two layers and back, so that the network stays and its ranges differ."""
    model = model.clone()
    nodes = {node.name: node for node in model.graph}
    for name, index, factor in ((first, 1, 1 / scale), (first, 2, 1 / scale), (second, 1, scale)):
        value = nodes[name].inputs[index] if index < len(nodes[name].inputs) else None
        if value is None:
            continue
        array = value.const_value.numpy()
        depthwise = name == second and array.shape[1] == 1
        axis = 1 if name == second and not depthwise else 0
        along = [-1 if place == axis else 1 for place in range(array.ndim)]
        value.const_value = ir.Tensor((array * factor.reshape(along)).astype(np.float32), name=value.name)
    return model
