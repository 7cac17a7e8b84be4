"""The moving average of the weights.

ā ← d ā + (1 - d) w  after every step,    d = min(decay, (1 + t) / (10 + t)) at step t

as in TensorFlow's ExponentialMovingAverage: at first the average forgets fast, so that the random weights
of the beginning do not linger. BatchNorm's statistics are averaged with the weights they belong to.
"""

import torch
from torch import Tensor, nn

_WARM_UP = 10


class MovingAverage:
    """The average of everything in a module's state dict; counters are copied.

    Args:
        module: whose values are averaged, from what they are now.
        decay: d above, at least 0 and below 1.
    """

    def __init__(self, module: nn.Module, decay: float) -> None:
        self._decay, self._steps = decay, 0
        self._own = dict(module.state_dict())  # shares memory with the module
        self._averages = {name: value.detach().clone() for name, value in self._own.items()}
        floating = [name for name, value in self._own.items() if value.is_floating_point()]
        self._floats = [self._averages[name] for name in floating], [self._own[name] for name in floating]

    @torch.no_grad()
    def update(self) -> None:
        """Move the average towards the module's values of now."""
        self._steps += 1
        decay = min(self._decay, (1 + self._steps) / (_WARM_UP + self._steps))
        averages, own = self._floats
        torch._foreach_lerp_(averages, own, 1 - decay)
        for name, value in self._own.items():
            if not value.is_floating_point():
                self._averages[name].copy_(value)

    def state(self) -> dict[str, Tensor | int]:
        """Return what `load` needs to go on."""
        return {**self._averages, _STEPS: self._steps}

    @torch.no_grad()
    def load(self, state: dict[str, Tensor | int]) -> None:
        """Go on where `state` was returned."""
        self._steps = int(state[_STEPS])
        for name, value in self._averages.items():
            value.copy_(torch.as_tensor(state[name]))

    @torch.no_grad()
    def copy_into_module(self) -> None:
        """Give the module the averages as its values."""
        for name, value in self._own.items():
            value.copy_(self._averages[name])


_STEPS = "edgecnn.steps"  # no name of a state dict: it would need a module called edgecnn
