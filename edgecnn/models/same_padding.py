"""TensorFlow's SAME padding, which for strides above 1 differs from torch's symmetric one.

    total = max((ceil(n / s) - 1) s + k - n, 0)      total // 2 before, the rest after

For an even side n, stride 2 and a 3x3 kernel that is nothing before and 1 after.
"""

import math

import torch.nn.functional as F
from torch import Tensor, nn


class SameConv2d(nn.Conv2d):
    """A convolution of an input padded as TensorFlow does; its weights are those of `nn.Conv2d`."""

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002  torch's name
        """(n, c_in, h, w) → (n, c_out, ceil(h / s), ceil(w / s))."""
        (top, bottom), (left, right) = (
            same_padding(size, kernel, stride)
            for size, kernel, stride in zip(input.shape[2:], self.kernel_size, self.stride, strict=True)
        )
        if top == bottom and left == right:
            return F.conv2d(
                input, self.weight, self.bias, self.stride, (top, left), self.dilation, self.groups
            )
        return super().forward(F.pad(input, (left, right, top, bottom)))


def same_padding(size: int, kernel: int, stride: int) -> tuple[int, int]:
    """Return how many zeros go before and after along one axis."""
    total = max((math.ceil(size / stride) - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2
