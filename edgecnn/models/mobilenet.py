"""MobileNet-v1 and the two variants that its paper compares it with.

Howard et al. 2017, arXiv:1704.04861, table 1. A separable block costs `k² M D² + M N D²` mult-adds
instead of `k² M N D²`: a fraction `1/N + 1/k²` of the full convolution. State-dict keys are timm's.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from torch import Tensor, nn

from edgecnn.models.architecture import architecture, make_divisible
from edgecnn.models.keras_names import from_keras
from edgecnn.models.same_padding import SameConv2d

STEM = 32

# (output channels, blocks, stride of the first block), table 1 from top to bottom. The last depthwise
# layer has stride 1: the printed "s2" would leave a 4x4 map for the 7x7 pool.
STAGES = ((64, 1, 1), (128, 2, 2), (256, 2, 2), (512, 6, 2), (1024, 2, 2))

# Table 5: without the "5 layers of 14x14x512".
SHALLOW_STAGES = tuple(
    (channels, min(blocks, 1 if channels == 512 else blocks), stride) for channels, blocks, stride in STAGES
)


@dataclass(frozen=True)
class Style:
    """How published weights differ: the padding of strided convolutions, the activation, BatchNorm's ε."""

    padding: str
    activation: str
    bn_eps: float

    def conv3x3(self, c_in: int, c_out: int, stride: int, groups: int = 1) -> nn.Conv2d:
        """Return a 3x3 convolution without bias."""
        if self.padding == "same":
            return SameConv2d(c_in, c_out, 3, stride, groups=groups, bias=False)
        return nn.Conv2d(c_in, c_out, 3, stride, padding=1, groups=groups, bias=False)

    def norm(self, channels: int) -> nn.BatchNorm2d:
        """Return a BatchNorm."""
        return nn.BatchNorm2d(channels, eps=self.bn_eps)

    def relu(self) -> nn.Module:
        """Return the activation."""
        return ACTIVATIONS[self.activation](inplace=True)


ACTIVATIONS: dict[str, Callable[..., nn.Module]] = {"relu": nn.ReLU, "relu6": nn.ReLU6}


class FullBlock(nn.Module):
    """One 3x3 convolution, BatchNorm, ReLU."""

    def __init__(self, c_in: int, c_out: int, stride: int, style: Style) -> None:
        super().__init__()
        self.conv = style.conv3x3(c_in, c_out, stride)
        self.bn1 = style.norm(c_out)
        self.relu = style.relu()

    def forward(self, x: Tensor) -> Tensor:
        """(n, c_in, h, w) → (n, c_out, h / stride, w / stride)."""
        return self.relu(self.bn1(self.conv(x)))  # type: ignore[no-any-return]


class SeparableBlock(nn.Module):
    """A 3x3 depthwise and a 1x1 pointwise convolution, each with BatchNorm and ReLU."""

    def __init__(self, c_in: int, c_out: int, stride: int, style: Style) -> None:
        super().__init__()
        self.conv_dw = style.conv3x3(c_in, c_in, stride, groups=c_in)
        self.bn1 = style.norm(c_in)
        self.conv_pw = nn.Conv2d(c_in, c_out, 1, bias=False)
        self.bn2 = style.norm(c_out)
        self.relu = style.relu()

    def forward(self, x: Tensor) -> Tensor:
        """(n, c_in, h, w) → (n, c_out, h / stride, w / stride)."""
        x = self.relu(self.bn1(self.conv_dw(x)))
        return self.relu(self.bn2(self.conv_pw(x)))  # type: ignore[no-any-return]


BODIES = {
    "separable": (STAGES, SeparableBlock),
    "full": (STAGES, FullBlock),
    "shallow": (SHALLOW_STAGES, SeparableBlock),
}


class MobileNet(nn.Module):
    """Stem, blocks, global average pooling, one linear classifier: (n, c, h, w) → (n, classes)."""

    def __init__(self, width: float, classes: int, in_channels: int, body: str, style: Style) -> None:
        super().__init__()
        stages, block = BODIES[body]
        channels = make_divisible(STEM * width)
        self.conv_stem = style.conv3x3(in_channels, channels, stride=2)
        self.bn1 = style.norm(channels)
        self.relu = style.relu()
        self.blocks = nn.Sequential()
        for c_out, repeats, first_stride in stages:
            stage = nn.Sequential()
            for stride in [first_stride] + [1] * (repeats - 1):
                c_in, channels = channels, make_divisible(c_out * width)
                stage.append(block(c_in, channels, stride, style))
            self.blocks.append(stage)
        self.pool = nn.AdaptiveAvgPool2d(1)  # the paper's 7x7 fits 224 alone
        self.classifier = nn.Linear(channels, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits."""
        x = self.blocks(self.relu(self.bn1(self.conv_stem(x))))
        return self.classifier(self.pool(x).flatten(1))  # type: ignore[no-any-return]


@architecture(
    res=224,
    least_res=16,
    contract_res=32,
    source="Howard et al. 2017, arXiv:1704.04861",
    from_foreign=from_keras,
)
def mobilenet(
    *,
    width: float = 1.0,
    classes: int = 1000,
    in_channels: int = 3,
    body: Literal["separable", "full", "shallow"] = "separable",
    padding: Literal["torch", "same"] = "torch",
    activation: Literal["relu", "relu6"] = "relu",
    bn_eps: float = 1e-5,
) -> nn.Module:
    """MobileNet-v1: depthwise separable convolutions, a width and a resolution multiplier.

    `body=full` has full 3x3 convolutions in place of the separable ones (the paper's table 4);
    `body=shallow` lacks the five 14x14x512 blocks (table 5). Weights of timm want `activation=relu6`,
    those of Keras `padding=same, activation=relu6, bn_eps=1e-3`.
    """
    return MobileNet(width, classes, in_channels, body, Style(padding, activation, bn_eps))
