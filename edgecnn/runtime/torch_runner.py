"""Run an `nn.Module` as it is evaluated: no dropout, running statistics, no gradients."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

from edgecnn.errors import EdgeCnnError

if TYPE_CHECKING:
    from torch import nn


class TorchRunner:
    """A network as a function of batches; the module's mode is left as it was found.

    Args:
        module: returns one tensor (n, ...).
        batch: how many images at a time, whatever the caller gives.
    """

    def __init__(self, module: "nn.Module", *, batch: int = 256) -> None:
        self._module, self._batch = module, batch

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """Return float32 (n, ...) for float32 (n, c, h, w)."""
        import torch

        if not len(images):
            raise EdgeCnnError("there are no images to run the network on")
        inputs = torch.from_numpy(np.ascontiguousarray(images, np.float32))
        with mode(self._module, training=False), torch.inference_mode():
            outputs = [
                self._module(inputs[start : start + self._batch]).float()
                for start in range(0, len(inputs), self._batch)
            ]
        return torch.cat(outputs).numpy()


@contextmanager
def mode(module: "nn.Module", *, training: bool) -> Iterator[None]:
    """Set the module to training or evaluation; afterwards every part has its own mode back."""
    before = [(part, part.training) for part in module.modules()]
    module.train(training)
    try:
        yield
    finally:
        for part, was_training in before:
            part.training = was_training
