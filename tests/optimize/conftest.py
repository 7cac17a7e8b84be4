import numpy as np
import pytest
import torch
from torch import nn


@pytest.fixture(autouse=True)
def one_thread():
    """Tiny networks gain nothing from more, and wait for one another where the cores are busy."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def network():
    """Make the same small network each time, with BatchNorm and dropout."""

    def make(seed=0, dropout=0.0):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return nn.Sequential(
                nn.Conv2d(1, 8, 3, bias=False),
                nn.BatchNorm2d(8),
                nn.ReLU(),
                nn.AdaptiveAvgPool2d(2),
                nn.Flatten(),
                nn.Dropout(dropout),
                nn.Linear(32, 3),
            )

    return make


@pytest.fixture
def examples():
    """Make images of which one third, by the label, is brighter."""

    def make(n=50):
        rng = np.random.default_rng(0)
        labels = np.arange(n) % 3
        images = rng.standard_normal((n, 1, 9, 9)).astype(np.float32)
        for label in range(3):
            images[labels == label, :, label * 3 : label * 3 + 3] += 2
        return images, labels

    return make


@pytest.fixture
def parameters():
    """Return all values of a module as one vector."""
    return lambda module: torch.cat([value.flatten().double() for value in module.state_dict().values()])
