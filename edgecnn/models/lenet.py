"""LeNet in its modern form: two convolutions, three fully connected layers.

LeCun et al. 1998, "Gradient-based learning applied to document recognition", as it is taught today:
every C3 map sees every S2 map, plain average pooling, a linear output. Weights are drawn as Glorot & Bengio
2010 say, from ±√(6 / (n_in + n_out)). `edgecnn train` scales layers to the data besides: at its learning rate
the sigmoids would otherwise learn nothing.
"""

from torch import Tensor, nn

from edgecnn.models.architecture import architecture, make_divisible
from edgecnn.spec import Res

CONVOLUTIONS = ((6, 5, 2), (16, 5, 0))  # (channels, kernel, padding), each followed by 2x2 average pooling
FULLY_CONNECTED = (120, 84)


class LeNet(nn.Module):
    """(n, c, h, w) → (n, classes)."""

    def __init__(self, width: float, res: Res, classes: int, in_channels: int) -> None:
        super().__init__()
        self.features = nn.Sequential()
        c_in, height, wide = in_channels, res.height, res.width
        for channels, kernel, padding in CONVOLUTIONS:
            c_out = make_divisible(channels * width, divisor=1)
            self.features.extend(
                [nn.Conv2d(c_in, c_out, kernel, padding=padding), nn.Sigmoid(), nn.AvgPool2d(2)]
            )
            shrink = kernel - 1 - 2 * padding
            c_in, height, wide = c_out, (height - shrink) // 2, (wide - shrink) // 2
        self.classifier = nn.Sequential()
        features = c_in * height * wide
        for units in FULLY_CONNECTED:
            hidden = make_divisible(units * width, divisor=1)
            self.classifier.extend([nn.Linear(features, hidden), nn.Sigmoid()])
            features = hidden
        self.classifier.append(nn.Linear(features, classes))
        self.apply(_xavier)

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits."""
        return self.classifier(self.features(x).flatten(1))  # type: ignore[no-any-return]


def _xavier(part: nn.Module) -> None:
    if isinstance(part, (nn.Conv2d, nn.Linear)):
        nn.init.xavier_uniform_(part.weight)
        assert part.bias is not None
        nn.init.zeros_(part.bias)


@architecture(res=28, least_res=12, contract_res=28, source="LeCun et al. 1998, in the form of D2L §7.6")
def lenet(*, width: float = 1.0, res: Res, classes: int = 10, in_channels: int = 1) -> nn.Module:
    """LeNet: sigmoid activations and average pooling, as it is taught today."""
    return LeNet(width, res, classes, in_channels)
