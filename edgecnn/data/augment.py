"""Random changes of a batch of training pictures that leave what they show as it is.

Every random number comes from the generator that is given, in draws for the whole batch. A kind of change
that is off draws nothing.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from edgecnn.augmentation import Augmentation
from edgecnn.data.dataset import IGNORE
from edgecnn.errors import EdgeCnnError
from edgecnn.preprocessing import Preprocessing

__all__ = ["Augmentation", "augment"]

Pair = tuple[Tensor, Tensor | None]

_RATIO = math.log(4 / 3)  # of the sides of a random part, at most, either way
_LUMA = {"RGB": (0.299, 0.587, 0.114), "BGR": (0.114, 0.587, 0.299), "L": (1.0,)}  # ITU-R BT.601


def augment(
    inputs: Tensor,
    masks: Tensor | None,
    augmentation: Augmentation,
    generator: torch.Generator,
    preprocessing: Preprocessing,
) -> Pair:
    """Return a batch of pictures changed at random, each in its own way, and the masks along with them.

    Args:
        inputs: float (n, c, h, w), preprocessed: 0 is the mean colour.
        masks: int (n, h, w), or None; where a picture is filled with the mean colour, they become `IGNORE`.
        augmentation: what to change.
        generator: of every random number.
        preprocessing: the contract of the inputs, which says what a colour is.
    """
    pair = (inputs, masks)
    if augmentation.scale < 1:
        pair = _rescaled(pair, augmentation.scale, generator)
    if augmentation.flip:
        pair = _flipped(pair, augmentation.flip, generator)
    if augmentation.shift:
        pair = _moved(pair, augmentation.shift, generator, border=True)
    if augmentation.crop:
        pair = _moved(pair, augmentation.crop, generator, border=False)
    if augmentation.colour:
        pair = _recoloured(pair[0], augmentation.colour, generator, preprocessing), pair[1]
    if augmentation.cutout:
        pair = _cut_out(pair, augmentation.cutout, generator)
    return pair


def _uniform(generator: torch.Generator, *shape: int, low: float = 0.0, high: float = 1.0) -> Tensor:
    return low + (high - low) * torch.rand(shape, generator=generator, device=generator.device)


def _flipped(pair: Pair, probability: float, generator: torch.Generator) -> Pair:
    inputs, masks = pair
    chosen = (_uniform(generator, len(inputs)) < probability).to(inputs.device)
    flipped = torch.where(chosen[:, None, None, None], inputs.flip(-1), inputs)
    return flipped, None if masks is None else torch.where(chosen[:, None, None], masks.flip(-1), masks)


def _moved(pair: Pair, most: int, generator: torch.Generator, *, border: bool) -> Pair:
    """Move each picture by up to `most` pixels along either axis; repeat its border or fill with the mean."""
    inputs, masks = pair
    n, _, h, w = inputs.shape
    draw = torch.randint(-most, most + 1, (2, n, 1), generator=generator, device=generator.device)
    down, right = draw.to(inputs.device)
    rows = torch.arange(h, device=inputs.device) - down  # (n, h), of the pixel that comes there
    columns = torch.arange(w, device=inputs.device) - right  # (n, w)
    outside = ((rows < 0) | (rows >= h))[:, :, None] | ((columns < 0) | (columns >= w))[:, None, :]
    picture = torch.arange(n, device=inputs.device)[:, None, None]
    at = (picture, rows.clamp(0, h - 1)[:, :, None], columns.clamp(0, w - 1)[:, None, :])
    inputs = inputs.movedim(1, -1)[at].movedim(-1, 1)
    masks = None if masks is None else masks[at]
    return (inputs, masks) if border else _filled((inputs, masks), outside)


def _filled(pair: Pair, where: Tensor) -> Pair:
    """Show the mean colour at these pixels (n, h, w); they do not count in the masks."""
    inputs, masks = pair
    filled = inputs.masked_fill(where[:, None], 0)
    return filled, None if masks is None else masks.masked_fill(where, IGNORE)


def _rescaled(pair: Pair, least: float, generator: torch.Generator) -> Pair:
    """Cut out a part of random area, ratio and place, and resize it to the whole."""
    inputs, masks = pair
    n = len(inputs)
    area = _uniform(generator, n, low=least)
    ratio = torch.exp(_uniform(generator, n, low=-_RATIO, high=_RATIO) / 2)
    sides = torch.stack([area.sqrt() * ratio, area.sqrt() / ratio], 1).clamp(max=1)  # (n, 2) of w, h
    centre = (1 - sides) * _uniform(generator, n, 2, low=-1)  # in -1..1, as affine_grid has it
    theta = torch.cat([torch.diag_embed(sides), centre[:, :, None]], 2).to(inputs)  # (n, 2, 3)
    grid = F.affine_grid(theta, list(inputs.shape), align_corners=False)
    resized = F.grid_sample(inputs, grid, padding_mode="border", align_corners=False)
    if masks is None:
        return resized, None
    values = masks[:, None].to(inputs.dtype)
    nearest = F.grid_sample(values, grid, mode="nearest", padding_mode="border", align_corners=False)
    return resized, nearest[:, 0].to(masks.dtype)


def _recoloured(
    inputs: Tensor, strength: float, generator: torch.Generator, preprocessing: Preprocessing
) -> Tensor:
    """Multiply brightness, contrast and saturation, in this order, of the pixels in 0..1."""
    if preprocessing.channel_order not in _LUMA:
        raise EdgeCnnError("the colour of arrays that are no pictures cannot change; leave colour out")
    mean, std, luma = (
        inputs.new_tensor(values)[:, None, None]
        for values in (preprocessing.mean, preprocessing.std, _LUMA[preprocessing.channel_order])
    )
    factors = _uniform(generator, 3, len(inputs), 1, 1, 1, low=1 - strength, high=1 + strength).to(inputs)
    brightness, contrast, saturation = factors
    pixels = ((inputs * std + mean) * brightness).clamp(0, 1)
    middle = (pixels * luma).sum(1, keepdim=True).mean((2, 3), keepdim=True)
    pixels = (middle + (pixels - middle) * contrast).clamp(0, 1)
    gray = (pixels * luma).sum(1, keepdim=True)
    changed: Tensor = ((gray + (pixels - gray) * saturation).clamp(0, 1) - mean) / std
    return changed


def _cut_out(pair: Pair, side: int, generator: torch.Generator) -> Pair:
    """Cover a square around a random pixel; near the border, what of it lies inside."""
    inputs, _ = pair
    n, _, h, w = inputs.shape
    centre = _uniform(generator, 2, n, 1).to(inputs.device)
    inside = []
    for size, where in zip((h, w), centre, strict=True):
        first = (where * size).long() - side // 2  # (n, 1)
        pixel = torch.arange(size, device=inputs.device)
        inside.append((pixel >= first) & (pixel < first + side))  # (n, size)
    return _filled(pair, inside[0][:, :, None] & inside[1][:, None, :])
