"""The residual networks for 32x32 images: 6n + 2 layers, and 9n + 2 with bottlenecks.

He et al. 2015, arXiv:1512.03385, §4.2, and He et al. 2016, arXiv:1603.05027, where BatchNorm and ReLU come
before each convolution. State-dict keys are those of the checkpoints of akamaster/pytorch_resnet_cifar10.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor, nn

from edgecnn.models.architecture import architecture, make_divisible
from edgecnn.models.resnet import EXPANSION, BasicBlock, Block, Bottleneck, stages
from edgecnn.models.shortcut import Option

STEM = 16
STAGES = ((16, 1), (32, 2), (64, 2))  # (channels, stride of the first block)

BASIC_DEPTHS = (20, 32, 44, 56, 110, 1202)  # 6n + 2
PREACTIVATION_DEPTHS = (164, 1001)  # 9n + 2


class CifarResNet(nn.Module):
    """Stem, three stages, global average pooling, one linear classifier: (n, c, h, w) → (n, classes)."""

    def __init__(
        self, stem: int, table: Sequence[tuple[int, int, int]], block: Block, classes: int, in_channels: int
    ) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, stem, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(stem)
        self.relu = nn.ReLU(inplace=True)
        self.layer1, self.layer2, self.layer3 = stages(stem, table, block)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.linear = nn.Linear(table[-1][0], classes)

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits."""
        x = self.relu(self.bn1(self.conv1(x)))
        x = self.layer3(self.layer2(self.layer1(x)))
        return self.linear(self.avgpool(x).flatten(1))  # type: ignore[no-any-return]


class PreactivationBlock(nn.Module):
    """BatchNorm, ReLU, convolution, three times; nothing follows the sum.

    Where the shape changes, both the convolutions and the projection start from the activated input.
    """

    def __init__(self, c_in: int, c_out: int, stride: int) -> None:
        super().__init__()
        inner = c_out // EXPANSION
        self.bn1 = nn.BatchNorm2d(c_in)
        self.conv1 = nn.Conv2d(c_in, inner, 1, stride, bias=False)
        self.bn2 = nn.BatchNorm2d(inner)
        self.conv2 = nn.Conv2d(inner, inner, 3, padding=1, bias=False)
        self.bn3 = nn.BatchNorm2d(inner)
        self.conv3 = nn.Conv2d(inner, c_out, 1, bias=False)
        self.relu = nn.ReLU(inplace=True)
        same = stride == 1 and c_in == c_out
        self.downsample = None if same else nn.Conv2d(c_in, c_out, 1, stride, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(n, c_in, h, w) → (n, c_out, h / stride, w / stride)."""
        activated = self.relu(self.bn1(x))
        out = self.conv2(self.relu(self.bn2(self.conv1(activated))))
        out = self.conv3(self.relu(self.bn3(out)))
        return out + (x if self.downsample is None else self.downsample(activated))  # type: ignore[no-any-return]


class PreactivationResNet(nn.Module):
    """One convolution, three stages, BatchNorm, ReLU, pooling, classifier: (n, c, h, w) → (n, classes)."""

    def __init__(
        self, stem: int, table: Sequence[tuple[int, int, int]], classes: int, in_channels: int
    ) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, stem, 3, padding=1, bias=False)
        self.layer1, self.layer2, self.layer3 = stages(stem, table, PreactivationBlock)
        self.bn = nn.BatchNorm2d(table[-1][0])
        self.relu = nn.ReLU(inplace=True)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.linear = nn.Linear(table[-1][0], classes)

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits."""
        x = self.layer3(self.layer2(self.layer1(self.conv1(x))))
        return self.linear(self.avgpool(self.relu(self.bn(x))).flatten(1))  # type: ignore[no-any-return]


def _table(repeats: int, width: float, expansion: int = 1) -> list[tuple[int, int, int]]:
    return [(make_divisible(channels * width) * expansion, repeats, step) for channels, step in STAGES]


def cifar_resnet(
    *, width: float = 1.0, classes: int = 10, in_channels: int = 3, shortcut: Option = "A", depth: int
) -> nn.Module:
    """Build 6n + 2 layers: n blocks of two convolutions in each of three stages."""

    def block(c_in: int, c_out: int, stride: int) -> nn.Module:
        return BasicBlock(c_in, c_out, stride, shortcut)

    stem = make_divisible(STEM * width)
    return CifarResNet(stem, _table((depth - 2) // 6, width), block, classes, in_channels)


def cifar_bottleneck_resnet(
    *, width: float = 1.0, classes: int = 10, in_channels: int = 3, shortcut: Option = "B", depth: int
) -> nn.Module:
    """Build 9n + 2 layers: n bottlenecks in each of three stages."""

    def block(c_in: int, c_out: int, stride: int) -> nn.Module:
        return Bottleneck(c_in, c_out // EXPANSION, c_out, (stride, 1), shortcut)

    table = _table((depth - 2) // 9, width, EXPANSION)
    return CifarResNet(make_divisible(STEM * width), table, block, classes, in_channels)


def preactivation_resnet(
    *, width: float = 1.0, classes: int = 10, in_channels: int = 3, depth: int
) -> nn.Module:
    """Build 9n + 2 layers of which each convolution comes after its BatchNorm and ReLU."""
    table = _table((depth - 2) // 9, width, EXPANSION)
    return PreactivationResNet(make_divisible(STEM * width), table, classes, in_channels)


def _from_public_code(weights: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
    return {name.replace(".shortcut.", ".downsample."): tensor for name, tensor in weights.items()}


_SIZES: dict[str, Any] = {"res": 32, "least_res": 4, "contract_res": 8}
_HE_2015, _HE_2016 = "He et al. 2015, arXiv:1512.03385", "He et al. 2016, arXiv:1603.05027"

for _depth in BASIC_DEPTHS:
    architecture(
        name=f"resnet{_depth}",
        summary=f"ResNet-{_depth} for 32x32 images: {(_depth - 2) // 2} blocks of two 3x3 convolutions.",
        source=_HE_2015,
        from_foreign=_from_public_code,
        depth=_depth,
        **_SIZES,
    )(cifar_resnet)

architecture(
    name="resnet164",
    summary="ResNet-164 for 32x32 images: 54 bottlenecks, as it was before pre-activation.",
    source=_HE_2016,
    depth=164,
    **_SIZES,
)(cifar_bottleneck_resnet)

for _depth in PREACTIVATION_DEPTHS:
    architecture(
        name=f"preact_resnet{_depth}",
        summary=f"ResNet-{_depth} for 32x32 images: {(_depth - 2) // 3} bottlenecks, pre-activated.",
        source=_HE_2016,
        depth=_depth,
        **_SIZES,
    )(preactivation_resnet)
