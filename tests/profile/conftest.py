"""Networks as `.tflite` files."""

from collections.abc import Callable

import pytest
import torch
from torch import nn

from edgecnn.export.recorder import record
from edgecnn.export.tflite import write
from edgecnn.models import ARCHITECTURES, build, complete
from edgecnn.spec import ModelSpec


@pytest.fixture
def tflite() -> Callable[..., bytes]:
    """Write a module, or an architecture at its contract size, as a `.tflite` file."""

    def written(network: nn.Module | str, shape: tuple[int, ...] = ()) -> bytes:
        if isinstance(network, nn.Module):
            return write(record(network, shape))
        spec = complete(ModelSpec.parse(network))
        assert spec.res
        assert spec.in_channels
        return write(record(build(spec), (1, spec.in_channels, spec.res.height, spec.res.width)))

    return written


@pytest.fixture
def small() -> Callable[[str], str]:
    """Give the text of an architecture at its contract size."""
    return lambda name: f"{name}(res={ARCHITECTURES[name].contract_res})"


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)
