"""DenseNet-121 to 264 for ImageNet, and the networks for CIFAR with and without bottlenecks.

Huang et al. 2016, arXiv:1608.06993, table 1. Every layer adds `growth` maps to all those before it, so that
layer l of a block reads k0 + k (l - 1) channels. BatchNorm and ReLU come before each convolution, also in
the transitions. State-dict keys are torchvision's; those for CIFAR follow them.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from edgecnn.errors import EdgeCnnError
from edgecnn.models.architecture import architecture, make_divisible
from edgecnn.spec import ModelSpec

BOTTLENECK = 4  # a 1x1 convolution gives the 3x3 one four times `growth` channels

# Layers of each block, growth, channels of the stem: table 1, and 161 of the authors' repository.
IMAGENET: Mapping[str, tuple[tuple[int, ...], int, int]] = {
    "densenet121": ((6, 12, 24, 16), 32, 64),
    "densenet169": ((6, 12, 32, 32), 32, 64),
    "densenet201": ((6, 12, 48, 32), 32, 64),
    "densenet264": ((6, 12, 64, 48), 32, 64),
    "densenet161": ((6, 12, 36, 24), 48, 96),
}
CIFAR_BLOCKS = 3
CIFAR_STEM = 16  # twice the growth with bottlenecks

LAYERS_OUTSIDE_BLOCKS = 4  # stem, two transitions, classifier

SOURCE = "Huang et al. 2016, arXiv:1608.06993"


@dataclass(frozen=True)
class Shape:
    """Growth, whether 1x1 convolutions come before 3x3 ones and halve the transitions, and dropout."""

    growth: int
    bc: bool
    dropout: float


class DenseLayer(nn.Module):
    """BatchNorm, ReLU, 3x3 convolution; with a bottleneck BatchNorm, ReLU, 1x1 convolution before them."""

    def __init__(self, c_in: int, shape: Shape) -> None:
        super().__init__()
        self.bc = shape.bc
        self.norm1 = nn.BatchNorm2d(c_in)
        if not shape.bc:
            self.conv1 = nn.Conv2d(c_in, shape.growth, 3, padding=1, bias=False)
        else:
            inner = BOTTLENECK * shape.growth
            self.conv1 = nn.Conv2d(c_in, inner, 1, bias=False)
            self.norm2 = nn.BatchNorm2d(inner)
            self.conv2 = nn.Conv2d(inner, shape.growth, 3, padding=1, bias=False)
        self.dropout = nn.Dropout(shape.dropout)

    def forward(self, x: Tensor) -> Tensor:
        """(n, c_in, h, w) → (n, c_in + growth, h, w): the input, and the new maps behind it."""
        new = self.dropout(self.conv1(F.relu(self.norm1(x))))
        if self.bc:
            new = self.dropout(self.conv2(F.relu(self.norm2(new))))
        return torch.cat([x, new], 1)


class Transition(nn.Module):
    """BatchNorm, ReLU, 1x1 convolution, 2x2 average pooling."""

    def __init__(self, c_in: int, shape: Shape) -> None:
        super().__init__()
        self.channels = c_in // 2 if shape.bc else c_in
        self.norm = nn.BatchNorm2d(c_in)
        self.conv = nn.Conv2d(c_in, self.channels, 1, bias=False)
        self.dropout = nn.Dropout(shape.dropout)
        self.pool = nn.AvgPool2d(2)

    def forward(self, x: Tensor) -> Tensor:
        """(n, c_in, h, w) → (n, channels, h / 2, w / 2)."""
        return self.pool(self.dropout(self.conv(F.relu(self.norm(x)))))  # type: ignore[no-any-return]


class DenseNet(nn.Module):
    """The stem, dense blocks with transitions between them, BatchNorm, ReLU, the classifier.

    (n, c, h, w) → (n, classes).

    Args:
        stem: the first layers by name, of which the last to change the channels has `channels`.
        channels: of the stem's output.
        blocks: the number of layers of each.
        shape: of every layer.
        classes: of the classifier.
    """

    def __init__(
        self, stem: Mapping[str, nn.Module], channels: int, blocks: Sequence[int], shape: Shape, classes: int
    ) -> None:
        super().__init__()
        self.features = nn.Sequential()
        for name, module in stem.items():
            self.features.add_module(name, module)
        for number, layers in enumerate(blocks, start=1):
            block = nn.Sequential()
            for index in range(layers):
                block.add_module(f"denselayer{index + 1}", DenseLayer(channels, shape))
                channels += shape.growth
            self.features.add_module(f"denseblock{number}", block)
            if number < len(blocks):
                transition = Transition(channels, shape)
                self.features.add_module(f"transition{number}", transition)
                channels = transition.channels
        self.features.add_module(f"norm{len(blocks) + 1}", nn.BatchNorm2d(channels))
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Linear(channels, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits."""
        return self.classifier(self.pool(F.relu(self.features(x))).flatten(1))  # type: ignore[no-any-return]


_OLD_KEY = re.compile(r"(.*\.denselayer\d+\.(?:norm|conv))\.([12])\.(.*)")


def from_torchvision(tensors: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
    """Rename `denselayer1.norm.1.weight`, as torchvision's published weights have it, to `norm1.weight`."""
    return {_OLD_KEY.sub(r"\1\2.\3", key): tensor for key, tensor in tensors.items()}


def densenet_imagenet(
    *,
    width: float = 1.0,
    classes: int = 1000,
    in_channels: int = 3,
    blocks: tuple[int, ...],
    growth: int,
    stem: int,
    dropout: float = 0.0,
) -> nn.Module:
    """Build a network of four blocks with bottlenecks; `width` scales the growth and the stem."""
    channels, k = make_divisible(stem * width), make_divisible(growth * width)
    first = {
        "conv0": nn.Conv2d(in_channels, channels, 7, stride=2, padding=3, bias=False),
        "norm0": nn.BatchNorm2d(channels),
        "relu0": nn.ReLU(inplace=True),
        "pool0": nn.MaxPool2d(3, stride=2, padding=1),
    }
    return DenseNet(first, channels, blocks, Shape(k, True, dropout), classes)


for _name, (_blocks, _growth, _stem) in IMAGENET.items():
    architecture(
        name=_name,
        summary=f"{_name.replace('densenet', 'DenseNet-')}: blocks of {', '.join(map(str, _blocks))} layers,"
        f" each adding {_growth} channels.",
        res=224,
        least_res=29,
        contract_res=32,
        source=SOURCE,
        from_foreign=from_torchvision,
        blocks=_blocks,
        growth=_growth,
        stem=_stem,
    )(densenet_imagenet)


def _layers(depth: int, bc: bool) -> tuple[int, int]:
    """Return the layers of each block for CIFAR, and how many of the depth are left over."""
    return divmod(depth - LAYERS_OUTSIDE_BLOCKS, CIFAR_BLOCKS * (2 if bc else 1))


def _check(spec: ModelSpec) -> None:
    depth, growth, bc = (spec.options[key] for key in ("depth", "growth", "bc"))
    assert isinstance(depth, int)
    assert isinstance(growth, int)
    layers, rest = _layers(depth, bool(bc))
    if layers < 1 or rest:
        step = CIFAR_BLOCKS * (2 if bc else 1)
        raise EdgeCnnError(
            f"densenet(depth={depth}, bc={str(bc).lower()}): the depth is {LAYERS_OUTSIDE_BLOCKS} + {step} n,"
            f" such as {LAYERS_OUTSIDE_BLOCKS + step} or 100"
        )
    if growth < 1:
        raise EdgeCnnError(f"densenet(growth={growth}): every layer adds at least 1 channel")


@architecture(res=32, least_res=4, contract_res=16, source=SOURCE, check=_check)
def densenet(
    *,
    width: float = 1.0,
    classes: int = 10,
    in_channels: int = 3,
    depth: int = 100,
    growth: int = 12,
    bc: bool = True,
    dropout: float = 0.0,
) -> nn.Module:
    """DenseNet for CIFAR: three blocks; `bc=true` adds bottlenecks and halving transitions.

    The paper trains `dropout=0.2` where it does not augment the images.
    """
    k = make_divisible(growth * width, divisor=1)
    channels = 2 * k if bc else make_divisible(CIFAR_STEM * width, divisor=1)
    first = {"conv0": nn.Conv2d(in_channels, channels, 3, padding=1, bias=False)}
    layers, _ = _layers(depth, bc)
    return DenseNet(first, channels, [layers] * CIFAR_BLOCKS, Shape(k, bc, dropout), classes)
