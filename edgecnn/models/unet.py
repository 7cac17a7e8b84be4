"""U-Net: a path down to a sixteenth of the resolution, and one back up that reads the maps on the way again.

Ronneberger et al. 2015, arXiv:1505.04597, figure 1. Its convolutions are unpadded, so that a 572x572 image
gives a 388x388 map, and the maps that pass over are cropped by 88, 40, 16 and 4 pixels on each side.
State-dict keys are those of milesial/Pytorch-UNet, which is `unet(padding=same, bn=true, in_channels=3)`.
"""

from functools import partial
from typing import Literal

import torch
from torch import Tensor, nn

from edgecnn.errors import EdgeCnnError
from edgecnn.models.architecture import architecture, make_divisible
from edgecnn.spec import ModelSpec

CHANNELS = 64  # of the first level; each of the four below has twice as many as the one above
DROPOUT = 0.5  # at the end of the contracting path

Padding = Literal["valid", "same"]
Upsampling = Literal["transposed", "bilinear"]

_REMAINDERS = {"valid": 12, "same": 0}  # sizes that halve evenly down to the fifth level are 16 m + this


class DoubleConv(nn.Module):
    """Two 3x3 convolutions, each followed by BatchNorm where asked for, and by ReLU."""

    def __init__(self, c_in: int, c_out: int, middle: int = 0, *, padding: int, bn: bool) -> None:
        super().__init__()
        self.double_conv = nn.Sequential()
        middle = middle or c_out
        for before, after in ((c_in, middle), (middle, c_out)):
            self.double_conv.append(nn.Conv2d(before, after, 3, padding=padding, bias=not bn))
            if bn:
                self.double_conv.append(nn.BatchNorm2d(after))
            self.double_conv.append(nn.ReLU(inplace=True))

    def forward(self, x: Tensor) -> Tensor:
        """(n, c_in, h, w) → (n, c_out, h - 4, w - 4), or h and w where padded."""
        return self.double_conv(x)  # type: ignore[no-any-return]


class Down(nn.Module):
    """Half the resolution, then two convolutions."""

    def __init__(self, convolutions: nn.Module, dropout: float = 0.0) -> None:
        super().__init__()
        self.maxpool_conv = nn.Sequential(nn.MaxPool2d(2), convolutions, nn.Dropout(dropout))

    def forward(self, x: Tensor) -> Tensor:
        """(n, c_in, h, w) → (n, c_out, h / 2 - 4, w / 2 - 4), or h / 2 and w / 2 where padded."""
        return self.maxpool_conv(x)  # type: ignore[no-any-return]


class Up(nn.Module):
    """Twice the resolution, joined to what passes over, then two convolutions."""

    def __init__(self, up: nn.Module, convolutions: nn.Module) -> None:
        super().__init__()
        self.up = up
        self.conv = convolutions

    def forward(self, x: Tensor, passed: Tensor) -> Tensor:
        """(n, c_in, h, w), (n, c, ≥ 2 h, ≥ 2 w) → (n, c_out, 2 h - 4, 2 w - 4), or 2 h and 2 w."""
        x = self.up(x)
        height, width = x.shape[2:]
        top, left = (passed.shape[2] - height) // 2, (passed.shape[3] - width) // 2
        if top or left:
            passed = passed[:, :, top : top + height, left : left + width]
        return self.conv(torch.cat((passed, x), 1))  # type: ignore[no-any-return]


class Head(nn.Module):
    """One score for each class and pixel."""

    def __init__(self, c_in: int, classes: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(c_in, classes, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(n, c_in, h, w) → (n, classes, h, w)."""
        return self.conv(x)  # type: ignore[no-any-return]


class UNet(nn.Module):
    """(n, in_channels, h, w) → (n, classes, h - 184, w - 184), or h and w where padded."""

    def __init__(
        self, c: int, classes: int, in_channels: int, up: Upsampling, *, padding: Padding, bn: bool
    ) -> None:
        super().__init__()
        conv = partial(DoubleConv, padding=int(padding == "same"), bn=bn)
        double = _UPSAMPLINGS[up]
        # Bilinear up-sampling leaves the channels as they are: the convolutions before it halve them.
        less = 2 if up == "bilinear" else 1
        self.inc = conv(in_channels, c)
        self.down1 = Down(conv(c, 2 * c))
        self.down2 = Down(conv(2 * c, 4 * c))
        self.down3 = Down(conv(4 * c, 8 * c), DROPOUT)
        self.down4 = Down(conv(8 * c, 16 * c // less), DROPOUT)
        self.up1 = Up(double(16 * c), conv(16 * c, 8 * c // less, 8 * c))
        self.up2 = Up(double(8 * c), conv(8 * c, 4 * c // less, 4 * c))
        self.up3 = Up(double(4 * c), conv(4 * c, 2 * c // less, 2 * c))
        self.up4 = Up(double(2 * c), conv(2 * c, c))
        self.outc = Head(c, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits of each pixel."""
        x1 = self.inc(x)
        x2 = self.down1(x1)
        x3 = self.down2(x2)
        x4 = self.down3(x3)
        x = self.up2(self.up1(self.down4(x4), x4), x3)
        return self.outc(self.up4(self.up3(x, x2), x1))  # type: ignore[no-any-return]


def _transposed(channels: int) -> nn.Module:
    return nn.ConvTranspose2d(channels, channels // 2, 2, stride=2)


def _bilinear(_channels: int) -> nn.Module:
    return nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True)


_UPSAMPLINGS = {"transposed": _transposed, "bilinear": _bilinear}


def _check(spec: ModelSpec) -> None:
    assert spec.res is not None
    padding = str(spec.options["padding"])
    rest = _REMAINDERS[padding]
    if any((size - rest) % 16 for size in (spec.res.height, spec.res.width)):
        form = f"16 m + {rest}" if rest else "multiples of 16"
        near = [(max(vars(spec.res).values()) - rest) // 16 * 16 + rest + more for more in (0, 16)]
        raise EdgeCnnError(
            f"unet with padding={padding} takes sizes that are {form}, not {spec.res};"
            f" give res={near[0]} or res={near[1]}"
        )


@architecture(
    res=572,
    least_res=188,
    contract_res=188,
    source="Ronneberger et al. 2015, arXiv:1505.04597",
    check=_check,
    variants={"padding=same": {"res": 512, "least_res": 16}},
)
def unet(
    *,
    width: float = 1.0,
    classes: int = 2,
    in_channels: int = 1,
    padding: Padding = "valid",
    up: Upsampling = "transposed",
    bn: bool = False,
) -> nn.Module:
    """U-Net: scores for each pixel, from maps of five resolutions.

    `padding=valid` crops as the paper does, `padding=same` gives a score for every pixel of the image;
    `up=bilinear` needs half the parameters; `bn=true` adds BatchNorm and drops the convolutions' bias.
    """
    c = make_divisible(CHANNELS * width)
    return UNet(c, classes, in_channels, up, padding=padding, bn=bn)
