"""AlexNet and two networks that bear its name.

Krizhevsky et al. 2012, "ImageNet classification with deep convolutional neural networks", trained as two
streams, one on each GPU, which are groups of its 2nd, 4th and 5th convolution. torchvision's is the
narrower one of Krizhevsky 2014, arXiv:1404.5997, without groups and normalization; its state-dict keys are
torchvision's.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from torch import nn

from edgecnn.models.architecture import architecture
from edgecnn.models.chain import MAX_POOL, NORM, Conv, Row, chain
from edgecnn.spec import Res

# At 227 the first convolution leaves 55x55; the paper's 224 does without padding not fit.
CONVOLUTIONS = (
    Conv(96, 11, stride=4),
    Conv(256, 5, padding=2),
    Conv(384, 3, padding=1),
    Conv(384, 3, padding=1),
    Conv(256, 3, padding=1),
)
STREAM_GROUPS = (1, 2, 1, 2, 2)

D2L = (replace(CONVOLUTIONS[0], padding=1), *CONVOLUTIONS[1:])
TORCHVISION = (
    Conv(64, 11, stride=4, padding=2),
    Conv(192, 5, padding=2),
    Conv(384, 3, padding=1),
    Conv(256, 3, padding=1),
    Conv(256, 3, padding=1),
)

BEHIND_THE_FIRST_TWO: dict[str, tuple[Row, ...]] = {
    "norm_pool": (NORM, MAX_POOL),  # the paper's
    "pool_norm": (MAX_POOL, NORM),  # CaffeNet's
    "pool": (MAX_POOL,),
}


def table(convolutions: Sequence[Conv], order: str) -> tuple[Row, ...]:
    """Return the five convolutions with what stands between them."""
    first, second, *others = convolutions
    between = BEHIND_THE_FIRST_TWO[order]
    return (first, *between, second, *between, *others, MAX_POOL)


@architecture(res=227, least_res=67, contract_res=83, source="Krizhevsky et al. 2012")
def alexnet(
    *,
    width: float = 1.0,
    res: Res,
    classes: int = 1000,
    in_channels: int = 3,
    order: Literal["norm_pool", "pool_norm"] = "norm_pool",
    streams: Literal[1, 2] = 1,
) -> nn.Module:
    """AlexNet of 2012: normalization across channels, overlapping pooling, dropout.

    `streams=2` has groups where the paper has two GPUs; `order=pool_norm` pools before it normalizes, as
    CaffeNet does.
    """
    groups = STREAM_GROUPS if streams == 2 else (1,) * len(STREAM_GROUPS)
    rows = [replace(row, groups=count) for row, count in zip(CONVOLUTIONS, groups, strict=True)]
    return chain(table(rows, order), width=width, res=res, classes=classes, in_channels=in_channels)


def plain_alexnet(
    *,
    width: float = 1.0,
    res: Res,
    classes: int = 1000,
    in_channels: int = 3,
    convolutions: Sequence[Conv],
    dropout_first: bool,
) -> nn.Module:
    """Build an AlexNet without normalization."""
    return chain(
        table(convolutions, "pool"),
        width=width,
        res=res,
        classes=classes,
        in_channels=in_channels,
        dropout_first=dropout_first,
    )


architecture(
    name="alexnet_d2l",
    summary="AlexNet for Fashion-MNIST: no normalization, one channel, ten classes.",
    res=224,
    least_res=65,
    contract_res=81,
    source="Krizhevsky et al. 2012, in the form of D2L §8.1",
    convolutions=D2L,
    dropout_first=False,
    defaults={"classes": 10, "in_channels": 1},
)(plain_alexnet)

architecture(
    name="alexnet_torchvision",
    summary="AlexNet as torchvision has it: 64, 192, 384, 256 and 256 channels, no normalization.",
    res=224,
    least_res=63,
    contract_res=79,
    source="Krizhevsky 2014, arXiv:1404.5997, in the form of torchvision",
    convolutions=TORCHVISION,
    dropout_first=True,
)(plain_alexnet)
