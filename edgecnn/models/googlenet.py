"""GoogLeNet as in the paper, and torchvision's variant with BatchNorm.

Szegedy et al. 2014, arXiv:1409.4842, table 1. State-dict keys are torchvision's. In training mode `forward`
returns (logits, logits of aux1, logits of aux2), and the loss is `L(logits) + 0.3 (L(aux1) + L(aux2))`;
in evaluation mode it returns the logits alone, and the auxiliary heads are in no export.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from edgecnn.models.architecture import architecture, make_divisible
from edgecnn.models.conv_unit import ConvUnit
from edgecnn.models.input_transform import InputTransform, check_colours

AUX_WEIGHT = 0.3  # of each auxiliary head in the loss

STEM = (64, 64, 192)  # 7x7 with stride 2, 1x1, 3x3

# (#1x1, #3x3 reduce, #3x3, #5x5 reduce, #5x5, pool proj), table 1 from top to bottom.
INCEPTIONS = {
    "3a": (64, 96, 128, 16, 32, 32),
    "3b": (128, 128, 192, 32, 96, 64),
    "4a": (192, 96, 208, 16, 48, 64),
    "4b": (160, 112, 224, 24, 64, 64),
    "4c": (128, 128, 256, 24, 64, 64),
    "4d": (112, 144, 288, 32, 64, 64),
    "4e": (256, 160, 320, 32, 128, 128),
    "5a": (256, 160, 320, 32, 128, 128),
    "5b": (384, 192, 384, 48, 128, 128),
}
POOLS = {"3b": "maxpool3", "4e": "maxpool4"}  # what comes behind an inception
HEADS = {"4a": "aux1", "4d": "aux2"}

HEAD_CONV, HEAD_FC = 128, 1024
HEAD_WINDOW, HEAD_STRIDE, HEAD_SIDE = 5, 3, 4  # 14x14 → 4x4
HEAD_DROPOUT = 0.7


@dataclass(frozen=True)
class Form:
    """What the paper's network and torchvision's differ in.

    Attributes:
        norm: BatchNorm in place of biases.
        lrn: local response normalization in the stem.
        branch5x5: kernel of the branch that has 5x5 in the paper and, by an old mistake, 3x3 in torchvision.
        pool: makes a max pool of the given window with stride 2.
        last_window: of the last max pool.
        dropout: before the classifier.
        head_pool: average pooling at the beginning of an auxiliary head, to 4x4.
    """

    norm: bool
    lrn: bool
    branch5x5: int
    pool: Callable[[int], nn.Module]
    last_window: int
    dropout: float
    head_pool: Callable[[Tensor], Tensor]


class Inception(nn.Module):
    """Four branches side by side: 1x1; 3x3 and 5x5, each behind a 1x1; a 1x1 behind max pooling."""

    def __init__(self, c_in: int, row: tuple[int, ...], form: Form) -> None:
        super().__init__()
        c1, reduce3, c3, reduce5, c5, projected = row
        unit = partial(ConvUnit, norm=form.norm)
        self.branch1 = unit(c_in, c1, 1)
        self.branch2 = nn.Sequential(unit(c_in, reduce3, 1), unit(reduce3, c3, 3))
        self.branch3 = nn.Sequential(unit(c_in, reduce5, 1), unit(reduce5, c5, form.branch5x5))
        self.branch4 = nn.Sequential(nn.MaxPool2d(3, stride=1, padding=1), unit(c_in, projected, 1))
        self.channels = c1 + c3 + c5 + projected

    def forward(self, x: Tensor) -> Tensor:
        """(n, c_in, h, w) → (n, channels, h, w)."""
        return torch.cat([self.branch1(x), self.branch2(x), self.branch3(x), self.branch4(x)], 1)


class AuxiliaryHead(nn.Module):
    """A classifier of a map in the middle of the network, which brings gradients there: training only."""

    def __init__(self, c_in: int, width: float, classes: int, form: Form) -> None:
        super().__init__()
        channels, units = make_divisible(HEAD_CONV * width), make_divisible(HEAD_FC * width)
        self.pool = form.head_pool
        self.conv = ConvUnit(c_in, channels, 1, norm=form.norm)
        self.fc1 = nn.Linear(channels * HEAD_SIDE**2, units)
        self.dropout = nn.Dropout(HEAD_DROPOUT)
        self.fc2 = nn.Linear(units, classes)

    def forward(self, x: Tensor) -> Tensor:
        """(n, c_in, h, w) → logits (n, classes)."""
        x = self.conv(self.pool(x)).flatten(1)
        return self.fc2(self.dropout(F.relu(self.fc1(x))))  # type: ignore[no-any-return]


class GoogLeNet(nn.Module):
    """(n, c, h, w) → logits (n, classes); in training mode with those of both auxiliary heads.

    Attributes:
        aux_weight: of each auxiliary head in the loss.
    """

    aux_weight = AUX_WEIGHT

    def __init__(self, width: float, classes: int, in_channels: int, aux: bool, form: Form) -> None:
        super().__init__()
        channels, c2, c3 = (make_divisible(c * width) for c in STEM)
        self.transform: nn.Module = nn.Identity()
        self.conv1 = ConvUnit(in_channels, channels, 7, stride=2, norm=form.norm)
        self.maxpool1 = form.pool(3)
        self.norm1 = _lrn(form)
        self.conv2 = ConvUnit(channels, c2, 1, norm=form.norm)
        self.conv3 = ConvUnit(c2, c3, 3, norm=form.norm)
        self.norm2 = _lrn(form)
        self.maxpool2 = form.pool(3)
        channels = c3
        for name, row in INCEPTIONS.items():
            block = Inception(channels, tuple(make_divisible(c * width) for c in row), form)
            channels = block.channels
            self.add_module(f"inception{name}", block)
            if aux and name in HEADS:
                self.add_module(HEADS[name], AuxiliaryHead(channels, width, classes, form))
        self.maxpool3, self.maxpool4 = form.pool(3), form.pool(form.last_window)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.dropout = nn.Dropout(form.dropout)
        self.fc = nn.Linear(channels, classes)
        self.aux = aux

    def forward(self, x: Tensor) -> Tensor | tuple[Tensor, Tensor, Tensor]:
        """Return the logits; with heads, in training mode, (logits, logits of aux1, logits of aux2)."""
        x = self.norm1(self.maxpool1(self.conv1(self.transform(x))))
        x = self.maxpool2(self.norm2(self.conv3(self.conv2(x))))
        aux = {}
        for name in INCEPTIONS:
            x = self.get_submodule(f"inception{name}")(x)
            if self.training and self.aux and name in HEADS:
                aux[HEADS[name]] = self.get_submodule(HEADS[name])(x)
            if name in POOLS:
                x = self.get_submodule(POOLS[name])(x)
        logits = self.fc(self.dropout(self.avgpool(x).flatten(1)))
        return (logits, aux["aux1"], aux["aux2"]) if aux else logits


def _lrn(form: Form) -> nn.Module:
    """Caffe's: α is divided by the window, and k is 1."""
    return nn.LocalResponseNorm(5, alpha=1e-4, beta=0.75, k=1.0) if form.lrn else nn.Identity()


def _ceil(window: int) -> nn.Module:
    return nn.MaxPool2d(window, stride=2, ceil_mode=True)


def _padded(window: int) -> nn.Module:
    return nn.MaxPool2d(window, stride=2, padding=window // 2)


def _windows(x: Tensor) -> Tensor:
    """Average 5x5 windows with stride 3, which gives 4x4 at the paper's resolution; bring others to that."""
    sides = [min(HEAD_WINDOW, side) for side in x.shape[2:]]
    return F.adaptive_avg_pool2d(F.avg_pool2d(x, sides, HEAD_STRIDE), HEAD_SIDE)


def _adaptive(x: Tensor) -> Tensor:
    return F.adaptive_avg_pool2d(x, HEAD_SIDE)


@architecture(res=224, least_res=31, contract_res=32, source="Szegedy et al. 2014, arXiv:1409.4842")
def googlenet(
    *,
    width: float = 1.0,
    classes: int = 1000,
    in_channels: int = 3,
    aux: bool = True,
    lrn: bool = True,
    pool: Literal["ceil", "padded"] = "ceil",
) -> nn.Module:
    """GoogLeNet: nine inceptions with 5x5 branches, biases, LRN, two auxiliary heads in training.

    Max pools round up as Caffe does (`pool=ceil`), or have padding and round down, which gives the same
    sizes and other values. `aux=false` trains without auxiliary heads. The form that D2L teaches is
    `googlenet(res=96, in_channels=1, classes=10, aux=false, lrn=false, pool=padded)`.
    """
    pools = {"ceil": _ceil, "padded": _padded}
    form = Form(
        norm=False,
        lrn=lrn,
        branch5x5=5,
        pool=pools[pool],
        last_window=3,
        dropout=0.4,
        head_pool=_windows,
    )
    return GoogLeNet(width, classes, in_channels, aux, form)


@architecture(
    res=224, least_res=31, contract_res=32, source="torchvision, after arXiv:1409.4842", check=check_colours
)
def googlenet_torchvision(
    *,
    width: float = 1.0,
    classes: int = 1000,
    in_channels: int = 3,
    aux: bool = True,
    transform_input: bool = False,
) -> nn.Module:
    """GoogLeNet of torchvision: BatchNorm, no LRN, 3x3 where the paper has 5x5, a 2x2 last pool.

    torchvision's published weights have the auxiliary heads and want `transform_input=true`.
    """
    form = Form(
        norm=True,
        lrn=False,
        branch5x5=3,
        pool=_ceil,
        last_window=2,
        dropout=0.2,
        head_pool=_adaptive,
    )
    network = GoogLeNet(width, classes, in_channels, aux, form)
    if transform_input:
        network.transform = InputTransform()
    return network
