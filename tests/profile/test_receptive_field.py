import numpy as np
import pytest
import torch
from torch import nn

from edgecnn.export.recorder import record
from edgecnn.profile import profile

NETWORKS = {
    "three 3x3 are one 7x7": (nn.Sequential(*[nn.Conv2d(1, 1, 3) for _ in range(3)]), 7),
    "a dilated kernel reaches further": (nn.Sequential(nn.Conv2d(1, 1, 3, dilation=4)), 9),
    "strides multiply": (nn.Sequential(nn.Conv2d(1, 1, 3, 2), nn.MaxPool2d(3, 2), nn.Conv2d(1, 1, 3)), 15),
    "padding counts": (nn.Sequential(nn.Conv2d(1, 1, 5, padding=2), nn.Conv2d(1, 1, 5, padding=2)), 9),
}


@pytest.mark.parametrize(("network", "expected"), NETWORKS.values(), ids=NETWORKS)
def test_the_receptive_field_is_known(network, expected):
    assert profile(record(network, (1, 1, 33, 33))).receptive_field == (expected, expected)


class Hourglass(nn.Module):
    """Down, up by a transposed convolution, and a skip: what a pixel sees depends on where it is."""

    def __init__(self):
        super().__init__()
        self.down, self.middle = nn.Conv2d(1, 1, 2, 2), nn.Conv2d(1, 1, 3, padding=1)
        self.up, self.last = nn.ConvTranspose2d(1, 1, 2, 2), nn.Conv2d(2, 1, 3, padding=1)

    def forward(self, x):
        return self.last(torch.cat([x, self.up(self.middle(self.down(x)))], 1))


def test_least_and_greatest_are_those_of_the_gradients_support():
    network = Hourglass()
    for parameter in network.parameters():
        nn.init.constant_(parameter, 1.0)
    image = torch.zeros(1, 1, 32, 32, requires_grad=True)
    output, extents = network(image), []
    for column in range(12, 20):  # far enough from the border that the padding is not seen
        (gradient,) = torch.autograd.grad(output[0, 0, 16, column], image, retain_graph=True)
        seen = np.flatnonzero(gradient[0, 0].sum(0))
        extents.append(int(seen.max() - seen.min() + 1))
    assert profile(record(network, (1, 1, 32, 32))).receptive_field == (min(extents), max(extents))
