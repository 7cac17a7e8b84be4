"""The convolution that Inception networks are made of."""

from torch import Tensor, nn

NORM_EPS = 1e-3


class ConvUnit(nn.Module):
    """A convolution, BatchNorm and ReLU; or, with `norm=False`, a convolution with a bias and ReLU.

    Args:
        c_in: channels of the input.
        c_out: of the output.
        kernel: its side, or (height, width).
        stride: of the convolution.
        padding: None for what keeps the size at stride 1.
        norm: whether there is a BatchNorm.
    """

    def __init__(
        self,
        c_in: int,
        c_out: int,
        kernel: int | tuple[int, int],
        *,
        stride: int = 1,
        padding: int | None = None,
        norm: bool = True,
    ) -> None:
        super().__init__()
        sides = (kernel, kernel) if isinstance(kernel, int) else kernel
        pads = ((sides[0] - 1) // 2, (sides[1] - 1) // 2) if padding is None else (padding, padding)
        self.conv = nn.Conv2d(c_in, c_out, sides, stride, pads, bias=not norm)
        self.bn: nn.Module = nn.BatchNorm2d(c_out, eps=NORM_EPS) if norm else nn.Identity()
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        """(n, c_in, h, w) → (n, c_out, h', w')."""
        return self.relu(self.bn(self.conv(x)))  # type: ignore[no-any-return]
