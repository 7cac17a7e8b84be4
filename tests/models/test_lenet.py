import math

import pytest
import torch
from torch import nn

import edgecnn
from edgecnn.models import build
from edgecnn.spec import ModelSpec


def test_costs_are_exact():
    result = edgecnn.costs("lenet")
    assert (result.parameters, result.mult_adds, result.receptive_field) == (61_706, 416_520, (16, 16))


def fans(layer: nn.Module) -> int:
    taps = layer.weight[0, 0].numel()
    return taps * (layer.weight.shape[0] + layer.weight.shape[1])


@pytest.mark.parametrize(
    "place", ["features.0", "features.3", "classifier.0", "classifier.2", "classifier.4"]
)
def test_weights_are_drawn_as_xavier_says(place):
    torch.manual_seed(0)
    layer = build(ModelSpec.parse("lenet(width=4)")).get_submodule(place)
    bound = math.sqrt(6 / fans(layer))
    assert layer.weight.abs().max() <= bound
    assert layer.weight.var().item() == pytest.approx(bound**2 / 3, rel=0.1)  # of a uniform distribution
    assert not layer.bias.any()
