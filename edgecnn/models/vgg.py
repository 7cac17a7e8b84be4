"""VGG: stacks of 3x3 convolutions between five pools.

Simonyan & Zisserman 2014, arXiv:1409.1556, table 1. State-dict keys are torchvision's; its adaptive pooling
to 7x7 is nothing at 224, and elsewhere the first fully connected layer takes the map as it is.
"""

from collections.abc import Iterator, Sequence
from functools import partial

from torch import nn

from edgecnn.models.architecture import architecture
from edgecnn.models.chain import NORM, Conv, Row, chain
from edgecnn.spec import Res

CHANNELS = (64, 128, 256, 512, 512)  # of the five stacks

POOL = partial(nn.MaxPool2d, 2, stride=2)

# name → (the table's column, convolutions in each stack)
COLUMNS = {
    "vgg11": ("A", (1, 1, 2, 2, 2)),
    "vgg11_lrn": ("A-LRN", (1, 1, 2, 2, 2)),
    "vgg13": ("B", (2, 2, 2, 2, 2)),
    "vgg16_c": ("C", (2, 2, 3, 3, 3)),
    "vgg16": ("D", (2, 2, 3, 3, 3)),
    "vgg19": ("E", (2, 2, 4, 4, 4)),
}

_SUMMARIES = {
    "vgg11": "VGG-11 (A): eight 3x3 convolutions.",
    "vgg11_lrn": "VGG-11 (A-LRN): with local response normalization behind the first convolution.",
    "vgg13": "VGG-13 (B): ten 3x3 convolutions.",
    "vgg16_c": "VGG-16 (C): thirteen convolutions, of which three are 1x1.",
    "vgg16": "VGG-16 (D): thirteen 3x3 convolutions.",
    "vgg19": "VGG-19 (E): sixteen 3x3 convolutions.",
}


def table(column: str, stacks: Sequence[int]) -> Iterator[Row]:
    """Yield the convolutions and pools of a column of the paper's table 1."""
    for stack, (channels, count) in enumerate(zip(CHANNELS, stacks, strict=True)):
        for place in range(count):
            pointwise = column == "C" and place == 2
            yield Conv(channels, 1) if pointwise else Conv(channels, 3, padding=1)
            if column == "A-LRN" and stack == 0:
                yield NORM
        yield POOL


def vgg(
    *,
    width: float = 1.0,
    res: Res,
    classes: int = 1000,
    in_channels: int = 3,
    column: str,
    stacks: Sequence[int],
) -> nn.Module:
    """Build a column of table 1."""
    return chain(table(column, stacks), width=width, res=res, classes=classes, in_channels=in_channels)


for _name, (_column, _stacks) in COLUMNS.items():
    architecture(
        name=_name,
        summary=_SUMMARIES[_name],
        res=224,
        least_res=32,
        contract_res=32,
        source="Simonyan & Zisserman 2014, arXiv:1409.1556",
        column=_column,
        stacks=_stacks,
    )(vgg)
