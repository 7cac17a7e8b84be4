"""Random weights under which any network, however deep, still answers to its input.

Weights are drawn as in He et al. 2015, `Var(w) = 2 / fan_in`; then one forward pass over images
scales and centres each layer so that its outputs vary by 1 (Krähenbühl et al. 2016, arXiv:1511.06856)
and sets the BatchNorm statistics. With torch's defaults the output of a deep network hardly depends on
its input, and comparing outputs would prove nothing.
"""

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from edgecnn.models.shortcut import SummedNorm

OPEN = 1.0

_SPREAD = 0.1  # of biases, and of BatchNorm's scale around 1

Layer = nn.Conv2d | nn.ConvTranspose2d | nn.Linear


def initialize(module: nn.Module, seed: int, images: Tensor, *, shift: float = 0.0) -> nn.Module:
    """Draw every weight of `module` from `seed` and return it, in evaluation mode.

    Args:
        module: changed in place.
        seed: of every random number.
        images: float32 (n, c, h, w), such as the network is to see; ten or more.
        shift: mean of biases and BatchNorm shifts. 0 to train from; at `OPEN` most ReLUs pass most of their
            input, and rounding errors do not grow from layer to layer as they do in a random network.
    """
    generator = torch.Generator().manual_seed(seed)
    module.eval()  # dropout stays off
    norms = [part for part in module.modules() if isinstance(part, _BatchNorm)]
    momenta = [norm.momentum for norm in norms]
    hooks = []
    for part in module.modules():
        if isinstance(part, Layer):
            _draw(part, generator, shift)
            hooks.append(part.register_forward_hook(_normalize_outputs))
        elif isinstance(part, _BatchNorm):
            hooks += [part.register_forward_pre_hook(_train), part.register_forward_hook(_evaluate)]
            _draw_norm(part, generator, 0.0 if isinstance(part, SummedNorm) else shift)
        else:
            _spread(part, generator)
    with torch.no_grad():
        module(images)
    for hook in hooks:
        hook.remove()
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
        if norm.num_batches_tracked is not None:
            norm.num_batches_tracked.zero_()
    return module


@torch.no_grad()
def _draw(layer: Layer, generator: torch.Generator, shift: float) -> None:
    # A unit of a transposed convolution (weight c_in, c_out / groups, k, k) sums over c_in taps.
    fan_in = layer.weight.shape[0] if isinstance(layer, nn.ConvTranspose2d) else layer.weight[0].numel()
    layer.weight.normal_(0.0, math.sqrt(2.0 / fan_in), generator=generator)
    if layer.bias is not None:
        layer.bias.normal_(shift, _SPREAD, generator=generator)


@torch.no_grad()
def _draw_norm(norm: _BatchNorm, generator: torch.Generator, shift: float) -> None:
    norm.weight.normal_(1.0, _SPREAD, generator=generator)
    norm.bias.normal_(shift, _SPREAD, generator=generator)


@torch.no_grad()
def _spread(part: nn.Module, generator: torch.Generator) -> None:
    """Draw parameters of other kinds, such as a bias for each position, around where the module put them."""
    for parameter in part.parameters(recurse=False):
        parameter.add_(torch.randn(parameter.shape, generator=generator), alpha=_SPREAD)


def _normalize_outputs(layer: Layer, _inputs: Any, output: Tensor) -> Tensor:
    """Make each unit's output vary, over images and places, by 1 on average and around its drawn bias."""
    channel = 1 if output.dim() == 4 else output.dim() - 1
    axes = [axis for axis in range(output.dim()) if axis != channel]
    std = output.var(axes).mean().sqrt()
    if not std > 0:  # one image, one place: nothing varies
        return output
    layer.weight.div_(std)
    if layer.bias is None:
        return output / std
    mean = output.mean(axes)
    drawn = layer.bias.clone()
    layer.bias.add_((drawn - mean) / std)
    along = [-1 if axis == channel else 1 for axis in range(output.dim())]
    return (output - mean.reshape(along)) / std + drawn.reshape(along)


def _train(norm: _BatchNorm, _inputs: Any) -> None:
    norm.train()
    norm.momentum = 1.0  # the statistics of this one batch, no average with the initial ones


def _evaluate(norm: _BatchNorm, _inputs: Any, _output: Tensor) -> None:
    norm.eval()
