import numpy as np
import pytest
import torch
from torch import nn

from edgecnn.errors import EdgeCnnError
from edgecnn.runtime.torch_runner import TorchRunner, mode


def images(n):
    return np.random.default_rng(0).standard_normal((n, 2, 4, 4)).astype(np.float32)


@pytest.fixture
def module():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3), nn.Dropout(0.5), nn.Flatten())


def test_dropout_is_off_and_the_statistics_are_the_running_ones(module):
    module.train()
    expected = module[0](torch.from_numpy(images(3))) / np.sqrt(1 + module[1].eps)  # mean 0, variance 1
    result = TorchRunner(module)(images(3))
    assert np.allclose(result, expected.detach().flatten(1).numpy(), atol=1e-6)
    assert result.dtype == np.float32


def test_every_part_keeps_its_mode_and_its_statistics(module):
    module.train()
    module[1].eval()  # as when its statistics are frozen
    TorchRunner(module)(images(3))
    assert [part.training for part in module] == [True, False, True, True]
    assert module[1].num_batches_tracked == 0


def test_the_mode_comes_back_after_a_failure(module):
    module.eval()
    with pytest.raises(KeyboardInterrupt), mode(module, training=True):
        raise KeyboardInterrupt
    assert not any(part.training for part in module.modules())


def test_parts_of_a_batch_come_back_in_order(module):
    assert np.allclose(TorchRunner(module, batch=2)(images(5)), TorchRunner(module)(images(5)), atol=1e-6)


def test_no_images_are_refused(module):
    with pytest.raises(EdgeCnnError, match="no images"):
        TorchRunner(module)(images(0))
