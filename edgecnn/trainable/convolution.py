"""Convolutions and transposed convolutions, along one to three spatial axes."""

import torch.nn.functional as F
from torch import Tensor

from edgecnn.trainable.batch import images
from edgecnn.trainable.operators import Function, runs
from edgecnn.trainable.site import Site
from edgecnn.trainable.windows import torch_pads, window

_CONV = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}
_TRANSPOSED = {1: F.conv_transpose1d, 2: F.conv_transpose2d, 3: F.conv_transpose3d}


@runs("Conv", batch=images, attributes="auto_pad dilations group kernel_shape pads strides")
def _conv(site: Site) -> Function:
    cut, function = window(site, site.shape(1)[2:]), _CONV[_spatial(site)]
    strides, dilations, groups = cut.strides, cut.dilations, site.attribute("group", 1)
    _check_channels(site, site.shape(1)[1] * groups)
    if cut.symmetric:
        padding = cut.begin
        return lambda x, weight, bias=None: function(x, weight, bias, strides, padding, dilations, groups)
    pads = torch_pads(cut.begin, cut.end)
    return lambda x, weight, bias=None: function(F.pad(x, pads), weight, bias, strides, 0, dilations, groups)


@runs(
    "ConvTranspose",
    batch=images,
    attributes="auto_pad dilations group kernel_shape output_padding output_shape pads strides",
)
def _conv_transpose(site: Site) -> Function:
    kernel, axes = site.shape(1)[2:], _spatial(site)
    _check_channels(site, site.shape(1)[0])
    function = _TRANSPOSED[axes]
    extra = site.attribute("output_padding", (0,) * axes)
    cut = window(site, kernel, transposed=True)
    strides, dilations, groups = cut.strides, cut.dilations, site.attribute("group", 1)
    if cut.symmetric:
        padding = cut.begin
        return lambda x, weight, bias=None: function(
            x, weight, bias, strides, padding, extra, groups, dilations
        )
    crop = [-size for size in torch_pads(cut.begin, cut.end)]

    def cropped(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
        return F.pad(function(x, weight, bias, strides, 0, extra, groups, dilations), crop)

    return cropped


def _check_channels(site: Site, read: int) -> None:
    channels = site.shape(0)[1]
    if read != channels:
        raise site.refuse(f"reads {read} channels of an input of {channels}")


def _spatial(site: Site) -> int:
    axes = site.rank(0) - 2
    if axes not in _CONV or site.rank(1) != axes + 2:
        raise site.refuse(
            f"has an input of {site.rank(0)} axes and a weight of {site.rank(1)}; 3 to 5 of both"
        )
    return axes
