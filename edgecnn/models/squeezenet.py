"""SqueezeNet 1.0 and 1.1: few parameters by 1x1 convolutions that squeeze the channels before 3x3 ones.

Iandola et al. 2016, arXiv:1602.07360, table 1, and the authors' Caffe files. State-dict keys are
torchvision's, whose forms are `squeezenet1_0(conv10=unpadded, res=224)` and `squeezenet1_1(res=224)`.
"""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from edgecnn.models.architecture import architecture, make_divisible

# Squeeze 1x1, expand 1x1, expand 3x3 of fire2 to fire9.
FIRES = (
    (16, 64, 64),
    (16, 64, 64),
    (32, 128, 128),
    (32, 128, 128),
    (48, 192, 192),
    (48, 192, 192),
    (64, 256, 256),
    (64, 256, 256),
)
SOURCE = "Iandola et al. 2016, arXiv:1602.07360"


@dataclass(frozen=True)
class Version:
    """How the versions differ: channels and kernel of conv1, and behind which layers there is a max pool."""

    channels: int
    kernel: int
    pooled: tuple[int, ...]


V1_0 = Version(96, 7, (1, 4, 8))
V1_1 = Version(64, 3, (1, 3, 5))


class Fire(nn.Module):
    """A 1x1 convolution that squeezes, then 1x1 and 3x3 convolutions side by side that expand."""

    def __init__(self, c_in: int, squeeze: int, expand1x1: int, expand3x3: int) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(c_in, squeeze, 1)
        self.expand1x1 = nn.Conv2d(squeeze, expand1x1, 1)
        self.expand3x3 = nn.Conv2d(squeeze, expand3x3, 3, padding=1)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        """(n, c_in, h, w) → (n, expand1x1 + expand3x3, h, w)."""
        x = self.relu(self.squeeze(x))
        return torch.cat([self.relu(self.expand1x1(x)), self.relu(self.expand3x3(x))], 1)


class SqueezeNet(nn.Module):
    """conv1, fire2 to fire9, conv10, global average pooling: (n, c, h, w) → (n, classes)."""

    def __init__(
        self, width: float, classes: int, in_channels: int, version: Version, *, ceil: bool, padding: int
    ) -> None:
        super().__init__()
        channels = make_divisible(version.channels * width)
        conv1 = nn.Conv2d(in_channels, channels, version.kernel, stride=2)
        self.features = nn.Sequential(conv1, nn.ReLU(inplace=True))
        for layer, fire in enumerate([None, *FIRES], start=1):
            if fire:
                squeeze, expand1x1, expand3x3 = (make_divisible(c * width) for c in fire)
                self.features.append(Fire(channels, squeeze, expand1x1, expand3x3))
                channels = expand1x1 + expand3x3
            if layer in version.pooled:
                self.features.append(nn.MaxPool2d(3, stride=2, ceil_mode=ceil))
        conv10 = nn.Conv2d(channels, classes, 1, padding=padding)
        self.classifier = nn.Sequential(
            nn.Dropout(0.5), conv10, nn.ReLU(inplace=True), nn.AdaptiveAvgPool2d(1)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return the scores, none of them negative."""
        return self.classifier(self.features(x)).flatten(1)  # type: ignore[no-any-return]


@architecture(
    name="squeezenet1_0",
    summary="SqueezeNet 1.0: fire modules of 1x1 and 3x3 convolutions, 50 times smaller than AlexNet.",
    res=227,
    least_res=21,
    contract_res=32,
    source=SOURCE,
    variants={"pool=floor": {"least_res": 35}},
    version=V1_0,
)
@architecture(
    name="squeezenet1_1",
    summary="SqueezeNet 1.1: a smaller first layer and earlier pools, less than half the mult-adds of 1.0.",
    res=227,
    least_res=17,
    contract_res=32,
    source=SOURCE,
    variants={"pool=floor": {"least_res": 31}},
    version=V1_1,
    defaults={"conv10": "unpadded"},
)
def squeezenet(
    *,
    width: float = 1.0,
    classes: int = 1000,
    in_channels: int = 3,
    version: Version,
    conv10: Literal["padded", "unpadded"] = "padded",
    pool: Literal["ceil", "floor"] = "ceil",
) -> nn.Module:
    """Build SqueezeNet.

    The authors' file of 1.0 has a border of zeros around the input of the 1x1 conv10, the paper's table and
    torchvision have none (`conv10=unpadded`). Max pools round up as Caffe's do.
    """
    padding = int(conv10 == "padded")
    return SqueezeNet(width, classes, in_channels, version, ceil=pool == "ceil", padding=padding)
