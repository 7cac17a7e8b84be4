"""ResNet-18 to 152 and ResNeXt-50, and their plain counterparts.

He et al. 2015, arXiv:1512.03385, table 1; Xie et al. 2016, arXiv:1611.05431, table 1. State-dict keys are
torchvision's. The bottleneck of the paper has its stride in the first 1x1 convolution (`stride=v1`), that
of torchvision in the 3x3 (`stride=v15`): as many parameters, other mult-adds.
"""

from collections.abc import Callable, Sequence
from typing import Any, Literal

from torch import Tensor, nn

from edgecnn.models.architecture import architecture, make_divisible
from edgecnn.models.shortcut import Option, last_norm, shortcut

STEM = 64
STAGES = ((64, 1), (128, 2), (256, 2), (512, 2))  # (channels, stride of the first block): conv2_x to conv5_x
EXPANSION = 4  # of a bottleneck's last convolution

Stride = Literal["v15", "v1"]
Block = Callable[[int, int, int], nn.Module]  # of c_in, c_out, stride


class BasicBlock(nn.Module):
    """Two 3x3 convolutions, and the shortcut."""

    def __init__(self, c_in: int, c_out: int, stride: int, option: Option) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(c_in, c_out, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(c_out)
        self.conv2 = nn.Conv2d(c_out, c_out, 3, padding=1, bias=False)
        self.bn2 = last_norm(option, c_out)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = shortcut(option, c_in, c_out, stride)

    def forward(self, x: Tensor) -> Tensor:
        """(n, c_in, h, w) → (n, c_out, h / stride, w / stride)."""
        out = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))
        return self.relu(out if self.downsample is None else out + self.downsample(x))  # type: ignore[no-any-return]


class Bottleneck(nn.Module):
    """1x1, 3x3 in groups, 1x1 convolution, and the shortcut.

    Args:
        c_in: channels of the input.
        inner: of the 3x3 convolution.
        c_out: of the output.
        strides: of the first and of the second convolution.
        option: the shortcut's.
        groups: of the 3x3 convolution.
    """

    def __init__(
        self, c_in: int, inner: int, c_out: int, strides: tuple[int, int], option: Option, groups: int = 1
    ) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(c_in, inner, 1, strides[0], bias=False)
        self.bn1 = nn.BatchNorm2d(inner)
        self.conv2 = nn.Conv2d(inner, inner, 3, strides[1], padding=1, groups=groups, bias=False)
        self.bn2 = nn.BatchNorm2d(inner)
        self.conv3 = nn.Conv2d(inner, c_out, 1, bias=False)
        self.bn3 = last_norm(option, c_out)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = shortcut(option, c_in, c_out, max(strides))

    def forward(self, x: Tensor) -> Tensor:
        """(n, c_in, h, w) → (n, c_out, h / stride, w / stride)."""
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.bn3(self.conv3(self.relu(self.bn2(self.conv2(out)))))
        return self.relu(out if self.downsample is None else out + self.downsample(x))  # type: ignore[no-any-return]


def strides(stride: int, place: Stride) -> tuple[int, int]:
    """Return the strides of a bottleneck's 1x1 and 3x3 convolution."""
    return (stride, 1) if place == "v1" else (1, stride)


def stages(channels: int, table: Sequence[tuple[int, int, int]], block: Block) -> list[nn.Sequential]:
    """Return the stages of a network; `table` has (output channels, blocks, stride of the first block)."""
    result = []
    for c_out, repeats, first_stride in table:
        stage = nn.Sequential()
        for stride in [first_stride] + [1] * (repeats - 1):
            stage.append(block(channels, c_out, stride))
            channels = c_out
        result.append(stage)
    return result


class ResNet(nn.Module):
    """Stem, four stages, global average pooling, one linear classifier: (n, c, h, w) → (n, classes)."""

    def __init__(
        self,
        stem: int,
        table: Sequence[tuple[int, int, int]],
        block: Block,
        classes: int,
        in_channels: int,
    ) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, stem, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(stem)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, stride=2, padding=1)
        self.layer1, self.layer2, self.layer3, self.layer4 = stages(stem, table, block)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(table[-1][0], classes)

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits."""
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(self.avgpool(x).flatten(1))  # type: ignore[no-any-return]


def resnet(
    *,
    width: float = 1.0,
    classes: int = 1000,
    in_channels: int = 3,
    shortcut: Option = "B",
    stride: Stride = "v15",
    blocks: Sequence[int],
    bottleneck: bool,
    groups: int,
    group_width: int,
) -> nn.Module:
    """Build a network of the tables; the groups' width is that of the first stage, where 64 is full."""

    def block(c_in: int, c_out: int, step: int) -> nn.Module:
        if not bottleneck:
            return BasicBlock(c_in, c_out, step, shortcut)
        inner = make_divisible(c_out // EXPANSION * groups * group_width / 64, groups)
        return Bottleneck(c_in, inner, c_out, strides(step, stride), shortcut, groups)

    expansion = EXPANSION if bottleneck else 1
    table = [
        (make_divisible(channels * width) * expansion, repeats, step)
        for (channels, step), repeats in zip(STAGES, blocks, strict=True)
    ]
    return ResNet(make_divisible(STEM * width), table, block, classes, in_channels)


# Two 3x3 convolutions leave no choice of where the stride is.
_BASIC = {"bottleneck": False, "stride": "v15", "groups": 1, "group_width": 64}
_BOTTLENECK = {"bottleneck": True, "groups": 1, "group_width": 64}
_GROUPED = {"bottleneck": True, "stride": "v15", "shortcut": "B", "groups": 32, "group_width": 4}
_HE, _XIE = "He et al. 2015, arXiv:1512.03385", "Xie et al. 2016, arXiv:1611.05431"

# (blocks of conv2_x to conv5_x, what kind of block, source, summary)
NETWORKS: dict[str, tuple[tuple[int, int, int, int], dict[str, Any], str, str]] = {
    "resnet18": ((2, 2, 2, 2), _BASIC, _HE, "ResNet-18: 8 blocks of two 3x3 convolutions, with shortcuts."),
    "resnet34": ((3, 4, 6, 3), _BASIC, _HE, "ResNet-34: 16 blocks of two 3x3 convolutions, with shortcuts."),
    "resnet50": ((3, 4, 6, 3), _BOTTLENECK, _HE, "ResNet-50: 16 bottlenecks, 1x1 3x3 1x1, with shortcuts."),
    "resnet101": ((3, 4, 23, 3), _BOTTLENECK, _HE, "ResNet-101: 33 bottlenecks, with shortcuts."),
    "resnet152": ((3, 8, 36, 3), _BOTTLENECK, _HE, "ResNet-152: 50 bottlenecks, with shortcuts."),
    "resnext50_32x4d": ((3, 4, 6, 3), _GROUPED, _XIE, "ResNeXt-50: ResNet-50 with 3x3 in 32 groups."),
}

for _name, (_blocks, _kind, _source, _summary) in NETWORKS.items():
    architecture(
        name=_name,
        summary=_summary,
        res=224,
        least_res=16,
        contract_res=32,
        source=_source,
        blocks=_blocks,
        **_kind,
    )(resnet)
