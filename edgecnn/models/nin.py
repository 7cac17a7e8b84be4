"""Network in Network: 1x1 convolutions behind each convolution, global average pooling as the classifier.

Lin et al. 2013, arXiv:1312.4400. The networks are those of the Caffe zoo for ImageNet, of the authors for
CIFAR-10, and of D2L §8.3 for Fashion-MNIST.
"""

from dataclasses import dataclass
from functools import partial
from typing import Literal

from torch import Tensor, nn

from edgecnn.models.architecture import architecture
from edgecnn.models.chain import CEIL_POOL, MAX_POOL, Conv, Row, features

DROPOUT = partial(nn.Dropout, 0.5)
CEIL_AVERAGE = partial(nn.AvgPool2d, 3, stride=2, ceil_mode=True)


def _block(first: Conv, *pointwise: int) -> tuple[Row, ...]:
    """Return a convolution and 1x1 convolutions behind it."""
    return (first, *(Conv(channels, 1) for channels in pointwise))


def _body(pool: Row) -> tuple[Row, ...]:
    return (
        *_block(Conv(96, 11, stride=4), 96, 96),
        pool,
        *_block(Conv(256, 5, padding=2), 256, 256),
        pool,
        *_block(Conv(384, 3, padding=1), 384, 384),
        pool,
        DROPOUT,
    )


@dataclass(frozen=True)
class Form:
    """The layers up to the first whose channels are the classes, and the kernels from there on."""

    body: tuple[Row, ...]
    head: tuple[int, ...]


FORMS = {
    "imagenet": Form((*_body(CEIL_POOL), *_block(Conv(1024, 3, padding=1), 1024)), (1,)),
    "fashion_mnist": Form(_body(MAX_POOL), (3, 1, 1)),
    "cifar10": Form(
        (
            *_block(Conv(192, 5, padding=2), 160, 96),
            CEIL_POOL,
            DROPOUT,
            *_block(Conv(192, 5, padding=2), 192, 192),
            CEIL_AVERAGE,
            DROPOUT,
            *_block(Conv(192, 3, padding=1), 192),
        ),
        (1,),
    ),
}

VARIANTS = {
    "form=fashion_mnist": {"classes": 10, "in_channels": 1, "least_res": 67},
    "form=cifar10": {"res": 32, "classes": 10, "least_res": 4},
}


class NiN(nn.Module):
    """Convolutions whose last channels are the classes, averaged: (n, c, h, w) → (n, classes)."""

    def __init__(self, form: Form, width: float, classes: int, in_channels: int) -> None:
        super().__init__()
        self.features, channels = features(form.body, width, in_channels)
        for kernel in form.head:
            self.features.extend(Conv(classes, kernel, padding=kernel // 2).layers(channels, classes))
            channels = classes
        self.pool = nn.AdaptiveAvgPool2d(1)

    def forward(self, x: Tensor) -> Tensor:
        """Return the scores, which a ReLU keeps from falling below 0."""
        return self.pool(self.features(x)).flatten(1)  # type: ignore[no-any-return]


@architecture(
    res=224,
    least_res=39,
    contract_res=71,
    source="Lin et al. 2013, arXiv:1312.4400",
    variants=VARIANTS,
)
def nin(
    *,
    width: float = 1.0,
    classes: int = 1000,
    in_channels: int = 3,
    form: Literal["imagenet", "cifar10", "fashion_mnist"] = "imagenet",
) -> nn.Module:
    """Network in Network: 1x1 convolutions inside each block, no fully connected layer.

    `form=cifar10` is the authors' network for 32x32 images, `form=fashion_mnist` that of D2L.
    """
    return NiN(FORMS[form], width, classes, in_channels)
