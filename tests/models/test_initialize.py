import numpy as np
import pytest
import torch
from torch import nn

from edgecnn.export.parity import response
from edgecnn.models.initialize import initialize


def deep(activation):
    layers = [nn.Conv2d(3, 8, 3, padding=1), activation()]
    for _ in range(20):
        layers += [nn.Conv2d(8, 8, 3, padding=1), activation()]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 5))


@pytest.mark.parametrize("activation", [nn.ReLU, nn.Sigmoid, nn.Tanh])
def test_a_deep_network_answers_to_its_input(activation):
    network = initialize(deep(activation), 0, torch.randn(16, 3, 16, 16))
    with torch.no_grad():
        outputs = network(torch.randn(4, 3, 16, 16)).numpy()
    assert response(outputs) > 0.05 * np.abs(outputs).max()


def test_the_same_seed_draws_the_same_weights_and_another_does_not():
    one, same, other = (
        initialize(deep(nn.ReLU), seed, torch.ones(16, 3, 16, 16))[0].weight.detach() for seed in (1, 1, 2)
    )
    assert torch.equal(one, same)
    assert not torch.equal(one, other)


def test_statistics_are_those_of_the_random_images():
    network = initialize(
        nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4, momentum=0.03)), 0, torch.randn(64, 3, 12, 12)
    )
    assert not network.training
    assert network[1].momentum == 0.03
    assert int(network[1].num_batches_tracked) == 0
    with torch.no_grad():
        normed = network(torch.randn(64, 3, 12, 12))
    spread = (normed - network[1].bias[:, None, None]).div(network[1].weight[:, None, None]).std((0, 2, 3))
    torch.testing.assert_close(spread, torch.ones(4), atol=0.1, rtol=0)


def test_torchs_own_random_state_is_not_touched():
    network, images = nn.Sequential(nn.Conv2d(3, 4, 3)), torch.randn(10, 3, 8, 8)
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    initialize(network, 0, images)
    assert torch.equal(torch.rand(1), expected)


def test_parameters_of_other_kinds_are_drawn_around_where_they_were():
    class Shift(nn.Module):
        def __init__(self):
            super().__init__()
            self.shift = nn.Parameter(torch.full((1, 1, 40, 40), 3.0))

        def forward(self, x):
            return x + self.shift

    one, same = (initialize(nn.Sequential(Shift()), 7, torch.randn(4, 1, 40, 40))[0].shift for _ in range(2))
    assert torch.equal(one, same)
    assert one.mean().item() == pytest.approx(3.0, abs=0.02)
    assert one.std().item() == pytest.approx(0.1, rel=0.1)
