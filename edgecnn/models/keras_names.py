"""Keras' names and layouts of MobileNet's weights, turned into ours.

A kernel is (k, k, c_in, c_out) in Keras and (c_out, c_in, k, k) in torch; a depthwise one (k, k, c, 1) and
(c, 1, k, k). Names are `LAYER/KIND`, whatever stands before them or `:0` after them in the file.
"""

import re
from collections.abc import Mapping

from torch import Tensor

_BLOCKS_PER_STAGE = (1, 2, 2, 6, 2)
_LAYER = re.compile(r"conv_(dw|pw)_([0-9]+)(_bn)?")
_KINDS = {
    "kernel": "weight",
    "depthwise_kernel": "weight",
    "gamma": "weight",
    "beta": "bias",
    "bias": "bias",
    "moving_mean": "running_mean",
    "moving_variance": "running_var",
}
_ENDS = {"conv1": "conv_stem", "conv1_bn": "bn1", "conv_preds": "classifier"}


def from_keras(tensors: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
    """Return MobileNet's weights under our names; what is not Keras' is returned as it is."""
    return {_name(key): _laid_out(key, tensor) for key, tensor in tensors.items()}


def _parts(key: str) -> tuple[str, str]:
    layer, _, kind = key.removesuffix(":0").rpartition("/")
    return layer.rpartition("/")[2], kind


def _name(key: str) -> str:
    layer, kind = _parts(key)
    module = _module(layer)
    return f"{module}.{_KINDS[kind]}" if module and kind in _KINDS else key


def _module(layer: str) -> str | None:
    found = _LAYER.fullmatch(layer)
    if not found:
        return _ENDS.get(layer)
    stage, index = _place(int(found[2]))
    part = {"dw": "1", "pw": "2"}[found[1]]
    return f"blocks.{stage}.{index}.{f'bn{part}' if found[3] else f'conv_{found[1]}'}"


def _place(number: int) -> tuple[int, int]:
    """Return stage and index of the block that Keras counts from 1 through the whole network."""
    index = number - 1
    for stage, blocks in enumerate(_BLOCKS_PER_STAGE):
        if index < blocks:
            return stage, index
        index -= blocks
    return len(_BLOCKS_PER_STAGE), index


def _laid_out(key: str, tensor: Tensor) -> Tensor:
    layer, kind = _parts(key)
    if _module(layer) is None or tensor.dim() != 4:
        return tensor
    if kind == "depthwise_kernel":
        return tensor.permute(2, 3, 0, 1).contiguous()
    kernel = tensor.permute(3, 2, 0, 1).contiguous()
    return kernel.flatten(1) if layer == "conv_preds" else kernel  # a 1x1 convolution there, linear here
