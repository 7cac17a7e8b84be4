"""Inception-v3.

Szegedy et al. 2015, arXiv:1512.00567, in the form and with the state-dict keys of torchvision. In training
mode `forward` returns (logits, logits of the auxiliary head), and the loss is `L(logits) + 0.4 L(aux)`; in
evaluation mode it returns the logits alone, and the auxiliary head is in no export.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from edgecnn.models.architecture import architecture, make_divisible
from edgecnn.models.conv_unit import ConvUnit
from edgecnn.models.input_transform import InputTransform, check_colours

AUX_WEIGHT = 0.4  # of the auxiliary head in the loss

# (key, channels, kernel, stride, padding), a 3x3 max pool with stride 2 behind those in POOLED.
STEM = (
    ("Conv2d_1a_3x3", 32, 3, 2, 0),
    ("Conv2d_2a_3x3", 32, 3, 1, 0),
    ("Conv2d_2b_3x3", 64, 3, 1, 1),
    ("Conv2d_3b_1x1", 80, 1, 1, 0),
    ("Conv2d_4a_3x3", 192, 3, 1, 0),
)
POOLED = {"Conv2d_2b_3x3": "maxpool1", "Conv2d_4a_3x3": "maxpool2"}

INPUT, AVERAGED, MAXIMA = (
    "input",
    "averaged",
    "maxima",
)  # 3x3 averages of the input, stride 1; maxima, stride 2


@dataclass(frozen=True)
class Row:
    """One convolution of a mixed block: what it reads, its channels, kernel, and stride 2 without padding."""

    source: str
    channels: int
    kernel: int | tuple[int, int] = 1
    reduces: bool = False


Rows = Mapping[str, Row]


def _mixed_5(pool: int) -> Rows:
    """35x35: the 5x5 beside a second branch with two 3x3 in its place."""
    return {
        "branch1x1": Row(INPUT, 64),
        "branch5x5_1": Row(INPUT, 48),
        "branch5x5_2": Row("branch5x5_1", 64, 5),
        "branch3x3dbl_1": Row(INPUT, 64),
        "branch3x3dbl_2": Row("branch3x3dbl_1", 96, 3),
        "branch3x3dbl_3": Row("branch3x3dbl_2", 96, 3),
        "branch_pool": Row(AVERAGED, pool),
    }


def _mixed_6(inner: int) -> Rows:
    """17x17: 7x7 factorized into 1x7 and 7x1."""
    return {
        "branch1x1": Row(INPUT, 192),
        "branch7x7_1": Row(INPUT, inner),
        "branch7x7_2": Row("branch7x7_1", inner, (1, 7)),
        "branch7x7_3": Row("branch7x7_2", 192, (7, 1)),
        "branch7x7dbl_1": Row(INPUT, inner),
        "branch7x7dbl_2": Row("branch7x7dbl_1", inner, (7, 1)),
        "branch7x7dbl_3": Row("branch7x7dbl_2", inner, (1, 7)),
        "branch7x7dbl_4": Row("branch7x7dbl_3", inner, (7, 1)),
        "branch7x7dbl_5": Row("branch7x7dbl_4", 192, (1, 7)),
        "branch_pool": Row(AVERAGED, 192),
    }


REDUCTION_6: Rows = {
    "branch3x3": Row(INPUT, 384, 3, reduces=True),
    "branch3x3dbl_1": Row(INPUT, 64),
    "branch3x3dbl_2": Row("branch3x3dbl_1", 96, 3),
    "branch3x3dbl_3": Row("branch3x3dbl_2", 96, 3, reduces=True),
}
REDUCTION_7: Rows = {
    "branch3x3_1": Row(INPUT, 192),
    "branch3x3_2": Row("branch3x3_1", 320, 3, reduces=True),
    "branch7x7x3_1": Row(INPUT, 192),
    "branch7x7x3_2": Row("branch7x7x3_1", 192, (1, 7)),
    "branch7x7x3_3": Row("branch7x7x3_2", 192, (7, 1)),
    "branch7x7x3_4": Row("branch7x7x3_3", 192, 3, reduces=True),
}
# 8x8: 3x3 as 1x3 beside 3x1.
MIXED_7: Rows = {
    "branch1x1": Row(INPUT, 320),
    "branch3x3_1": Row(INPUT, 384),
    "branch3x3_2a": Row("branch3x3_1", 384, (1, 3)),
    "branch3x3_2b": Row("branch3x3_1", 384, (3, 1)),
    "branch3x3dbl_1": Row(INPUT, 448),
    "branch3x3dbl_2": Row("branch3x3dbl_1", 384, 3),
    "branch3x3dbl_3a": Row("branch3x3dbl_2", 384, (1, 3)),
    "branch3x3dbl_3b": Row("branch3x3dbl_2", 384, (3, 1)),
    "branch_pool": Row(AVERAGED, 192),
}

BODY: Mapping[str, Rows] = {
    "Mixed_5b": _mixed_5(32),
    "Mixed_5c": _mixed_5(64),
    "Mixed_5d": _mixed_5(64),
    "Mixed_6a": REDUCTION_6,
    "Mixed_6b": _mixed_6(128),
    "Mixed_6c": _mixed_6(160),
    "Mixed_6d": _mixed_6(160),
    "Mixed_6e": _mixed_6(192),
    "Mixed_7a": REDUCTION_7,
    "Mixed_7b": MIXED_7,
    "Mixed_7c": MIXED_7,
}
HEAD_AT = "Mixed_6e"
HEAD = (128, 768)  # 1x1 and 5x5 convolutions
HEAD_WINDOW, HEAD_STRIDE = 5, 3  # 17x17 → 5x5


class Mixed(nn.Module):
    """A block: what none of its rows reads is concatenated from top to bottom, a reduction's maxima last."""

    def __init__(self, c_in: int, rows: Rows, width: float) -> None:
        super().__init__()
        channels = {INPUT: c_in, AVERAGED: c_in, MAXIMA: c_in}
        for key, row in rows.items():
            channels[key] = make_divisible(row.channels * width)
            stride, padding = (2, 0) if row.reduces else (1, None)
            unit = ConvUnit(channels[row.source], channels[key], row.kernel, stride=stride, padding=padding)
            self.add_module(key, unit)
        read = {row.source for row in rows.values()}
        self.rows, self.ends = rows, [key for key in rows if key not in read]
        self.reduces = AVERAGED not in read
        if self.reduces:
            self.ends.append(MAXIMA)
        self.channels = sum(channels[key] for key in self.ends)

    def forward(self, x: Tensor) -> Tensor:
        """(n, c_in, h, w) → (n, channels, h, w), a reduction (n, channels, (h - 1) / 2, (w - 1) / 2)."""
        pooled = F.max_pool2d(x, 3, 2) if self.reduces else F.avg_pool2d(x, 3, 1, 1)
        maps = {INPUT: x, MAXIMA if self.reduces else AVERAGED: pooled}
        for key, row in self.rows.items():
            maps[key] = self.get_submodule(key)(maps[row.source])
        return torch.cat([maps[key] for key in self.ends], 1)


class AuxiliaryHead(nn.Module):
    """A classifier of the last 17x17 map: training only."""

    def __init__(self, c_in: int, width: float, classes: int) -> None:
        super().__init__()
        c0, c1 = (make_divisible(c * width) for c in HEAD)
        self.conv0 = ConvUnit(c_in, c0, 1)
        self.conv1 = ConvUnit(c0, c1, HEAD_WINDOW, padding=0)
        self.fc = nn.Linear(c1, classes)

    def forward(self, x: Tensor) -> Tensor:
        """(n, c_in, h, w) → logits (n, classes)."""
        x = self.conv0(F.avg_pool2d(x, [min(HEAD_WINDOW, side) for side in x.shape[2:]], HEAD_STRIDE))
        down, right = (max(0, HEAD_WINDOW - side) for side in x.shape[2:])
        x = self.conv1(F.pad(x, (0, right, 0, down)))  # below 299 pixels the map is smaller than the kernel
        return self.fc(F.adaptive_avg_pool2d(x, 1).flatten(1))  # type: ignore[no-any-return]


class InceptionV3(nn.Module):
    """(n, c, h, w) → logits (n, classes); in training mode with those of the auxiliary head.

    Attributes:
        aux_weight: of the auxiliary head in the loss.
    """

    aux_weight = AUX_WEIGHT

    def __init__(self, width: float, classes: int, in_channels: int, aux: bool) -> None:
        super().__init__()
        self.transform: nn.Module = nn.Identity()
        channels = in_channels
        for key, c_out, kernel, stride, padding in STEM:
            c_in, channels = channels, make_divisible(c_out * width)
            self.add_module(key, ConvUnit(c_in, channels, kernel, stride=stride, padding=padding))
            if key in POOLED:
                self.add_module(POOLED[key], nn.MaxPool2d(3, stride=2))
        for key, rows in BODY.items():
            block = Mixed(channels, rows, width)
            channels = block.channels
            self.add_module(key, block)
            if key == HEAD_AT:
                self.AuxLogits = AuxiliaryHead(channels, width, classes) if aux else None
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.dropout = nn.Dropout(0.5)
        self.fc = nn.Linear(channels, classes)

    def forward(self, x: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        """Return the logits; in training mode (logits, logits of the head) where there is one."""
        x = self.transform(x)
        for key, *_ in STEM:
            x = self.get_submodule(key)(x)
            if key in POOLED:
                x = self.get_submodule(POOLED[key])(x)
        aux = None
        for key in BODY:
            x = self.get_submodule(key)(x)
            if key == HEAD_AT and self.training and self.AuxLogits is not None:
                aux = self.AuxLogits(x)
        logits = self.fc(self.dropout(self.avgpool(x).flatten(1)))
        return logits if aux is None else (logits, aux)


@architecture(
    res=299,
    least_res=75,
    contract_res=75,
    source="Szegedy et al. 2015, arXiv:1512.00567",
    check=check_colours,
)
def inception_v3(
    *,
    width: float = 1.0,
    classes: int = 1000,
    in_channels: int = 3,
    aux: bool = True,
    transform_input: bool = False,
) -> nn.Module:
    """Inception-v3: factorized 5x5 and 7x7 convolutions, BatchNorm, an auxiliary head in training.

    torchvision's published weights have the auxiliary head and want `transform_input=true`.
    """
    network = InceptionV3(width, classes, in_channels, aux)
    if transform_input:
        network.transform = InputTransform()
    return network
