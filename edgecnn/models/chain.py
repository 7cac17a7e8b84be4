"""Networks that are one chain: convolutions and pools, then three fully connected layers.

A table lists what comes after the image, in order: `Conv` rows, each followed by a ReLU, and makers of
other layers, such as `MAX_POOL`.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial

from torch import Tensor, nn

from edgecnn.models.architecture import make_divisible
from edgecnn.spec import Res


@dataclass(frozen=True)
class Conv:
    """A convolution with a bias, and ReLU."""

    channels: int
    kernel: int
    stride: int = 1
    padding: int = 0
    groups: int = 1

    def layers(self, c_in: int, c_out: int) -> list[nn.Module]:
        """Return the modules, with channels that may be more or fewer than the table's."""
        conv = nn.Conv2d(c_in, c_out, self.kernel, self.stride, self.padding, groups=self.groups)
        return [conv, nn.ReLU(inplace=True)]


Row = Conv | Callable[[], nn.Module]

MAX_POOL = partial(nn.MaxPool2d, 3, stride=2)
CEIL_POOL = partial(nn.MaxPool2d, 3, stride=2, ceil_mode=True)

# Krizhevsky et al. 2012, §3.3: a / (k + α Σ a²)^β with n = 5, k = 2, α = 1e-4, β = 0.75, where torch divides
# its α by n.
NORM = partial(nn.LocalResponseNorm, 5, alpha=5 * 1e-4, beta=0.75, k=2.0)


def features(table: Iterable[Row], width: float, in_channels: int) -> tuple[nn.Sequential, int]:
    """Return the layers of a table, and the channels of the last convolution."""
    layers, channels = nn.Sequential(), in_channels
    for row in table:
        if isinstance(row, Conv):
            c_in, channels = channels, make_divisible(row.channels * width)
            layers.extend(row.layers(c_in, channels))
        else:
            layers.append(row())
    return layers, channels


def map_size(layers: Iterable[nn.Module], res: Res) -> tuple[int, int]:
    """Return height and width of the map that a chain of layers makes of an image."""
    sizes = [res.height, res.width]
    for layer in layers:
        if isinstance(layer, (nn.Conv2d, nn.MaxPool2d, nn.AvgPool2d)):
            sizes = [_windows(layer, axis, size) for axis, size in enumerate(sizes)]
    return sizes[0], sizes[1]


def _windows(layer: nn.Conv2d | nn.MaxPool2d | nn.AvgPool2d, axis: int, size: int) -> int:
    kernel, stride, padding = (
        value if isinstance(value, int) else int(value[axis])
        for value in (layer.kernel_size, layer.stride, layer.padding)
    )
    room = size + 2 * padding - kernel
    ceil = getattr(layer, "ceil_mode", False)
    return (-(-room // stride) if ceil else room // stride) + 1


class Chain(nn.Module):
    """Convolutions, then a classifier on the flattened map: (n, c, h, w) → (n, classes)."""

    def __init__(self, layers: nn.Sequential, classifier: nn.Sequential) -> None:
        super().__init__()
        self.features = layers
        self.classifier = classifier

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits."""
        return self.classifier(self.features(x).flatten(1))  # type: ignore[no-any-return]


def chain(
    table: Iterable[Row],
    *,
    width: float,
    res: Res,
    classes: int,
    in_channels: int,
    units: int = 4096,
    dropout_first: bool = False,
) -> Chain:
    """Build a network; the first fully connected layer takes whatever map `res` leaves.

    Args:
        table: its convolutions and pools.
        width: of every layer but the last.
        res: of the image.
        classes: of the last layer.
        in_channels: of the image.
        units: of the two hidden fully connected layers.
        dropout_first: whether dropout comes before the first two fully connected layers, or behind them.
    """
    layers, channels = features(table, width, in_channels)
    height, wide = map_size(layers, res)
    hidden = make_divisible(units * width)
    classifier = nn.Sequential()
    for inputs in (channels * height * wide, hidden):
        dense = [nn.Linear(inputs, hidden), nn.ReLU(inplace=True)]
        classifier.extend([nn.Dropout(0.5), *dense] if dropout_first else [*dense, nn.Dropout(0.5)])
    classifier.append(nn.Linear(hidden, classes))
    return Chain(layers, classifier)
