"""LeNet-5 as it was in 1998, layer by layer under the paper's letters.

LeCun et al. 1998, "Gradient-based learning applied to document recognition", §II.B. What later forms leave
out: sub-sampling with a trained coefficient and bias, C3's partial connections, and an output that compares
F6 with a drawing of each digit:

    S2, S4   y = 1 / (1 + exp(-(w Σ x + b))), the sum over 2x2 inputs
    others   y = 1.7159 tanh(2 a / 3)
    output   y_i = -Σ_j (x_j - c_ij)²

The paper's output is the distance; its negative makes the greatest score the answer, as everywhere else.
"""

from itertools import groupby

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from edgecnn.errors import EdgeCnnError
from edgecnn.models.architecture import architecture
from edgecnn.spec import ModelSpec, Res

RES = Res(32, 32)

C1, C5, F6 = 6, 120, 84  # maps and units
KERNEL = 5
DIGITS = 10

# Table I: the maps of S2 that each of the 16 maps of C3 sees.
C3 = (
    (0, 1, 2), (1, 2, 3), (2, 3, 4), (3, 4, 5), (0, 4, 5), (0, 1, 5),
    (0, 1, 2, 3), (1, 2, 3, 4), (2, 3, 4, 5), (0, 3, 4, 5), (0, 1, 4, 5), (0, 1, 2, 5),
    (0, 1, 3, 4), (1, 2, 4, 5), (0, 2, 3, 5),
    (0, 1, 2, 3, 4, 5),
)  # fmt: skip

AMPLITUDE, SLOPE = 1.7159, 2 / 3  # so that the codes' +1 and -1 lie where tanh bends most

# Codes of the digits 0 to 9, each 7 wide and 12 high: `#` is +1, `.` is -1. Drawn for this network.
DRAWINGS = """
    ..###..  ...#...  ..####.  #######  .....#.  #######  ..####.  #######  .#####.  ..###..
    .#...#.  ..##...  .#....#  .....#.  ....##.  #......  .#....#  ......#  #.....#  .#...#.
    #.....#  .#.#...  #.....#  ....#..  ...#.#.  #......  #......  .....#.  #.....#  #.....#
    #.....#  ...#...  ......#  ...#...  ..#..#.  #......  #......  .....#.  #.....#  #.....#
    #.....#  ...#...  ......#  ..####.  .#...#.  #.###..  #......  ....#..  .#...#.  #.....#
    #.....#  ...#...  .....#.  ......#  #....#.  ##...#.  #.###..  ....#..  ..###..  .#...##
    #.....#  ...#...  ....#..  ......#  #....#.  ......#  ##...#.  ...#...  .#...#.  ..###.#
    #.....#  ...#...  ...#...  ......#  #######  ......#  #.....#  ...#...  #.....#  ......#
    #.....#  ...#...  ..#....  ......#  .....#.  ......#  #.....#  ..#....  #.....#  ......#
    #.....#  ...#...  .#.....  #.....#  .....#.  #.....#  #.....#  ..#....  #.....#  ......#
    .#...#.  ...#...  #......  .#....#  .....#.  .#...#.  .#...#.  ..#....  #.....#  #....#.
    ..###..  .#####.  #######  ..####.  .....#.  ..###..  ..###..  ..#....  .#####.  .####..
"""


def codes(classes: int = DIGITS) -> Tensor:
    """Return the codes of the first digits: (classes, 84) of +1 and -1, row by row."""
    rows = [line.split() for line in DRAWINGS.split("\n") if line]
    drawn = ["".join(row[digit] for row in rows) for digit in range(classes)]
    return torch.tensor([[1.0 if dot == "#" else -1.0 for dot in drawing] for drawing in drawn])


def map_sizes(res: Res) -> tuple[tuple[int, int], ...]:
    """Return height and width of the maps of C1, S2, C3, S4 and C5."""
    sizes = [(res.height, res.width)]
    for layer in ("C1", "S2", "C3", "S4", "C5"):
        height, width = sizes[-1]
        shrunk = (height // 2, width // 2) if layer[0] == "S" else (height - KERNEL + 1, width - KERNEL + 1)
        sizes.append(shrunk)
    return tuple(sizes[1:])


def connections(res: Res = RES, in_channels: int = 1, classes: int = DIGITS) -> int:
    """Return how many connections the network has, those to biases counted; the paper says 340,908.

    A position of a convolution's map has one to each tap and to the bias, of a sub-sampled map one to each of
    its four inputs and to the bias, a unit of the output one to each unit of F6.
    """
    of_a_position = (
        C1 * (KERNEL**2 * in_channels + 1),
        C1 * (4 + 1),
        sum(KERNEL**2 * len(maps) + 1 for maps in C3),
        len(C3) * (4 + 1),
        C5 * (KERNEL**2 * len(C3) + 1),
    )
    sizes = map_sizes(res)
    positions = [height * width for height, width in sizes]
    maps = sum(count * each for count, each in zip(positions, of_a_position, strict=True))
    return maps + F6 * (positions[-1] * C5 + 1) + classes * F6


class ScaledTanh(nn.Module):
    """The squashing function of every layer but the sub-sampling ones."""

    def forward(self, x: Tensor) -> Tensor:
        """Return a tanh that is ±1 at ±1."""
        return AMPLITUDE * torch.tanh(SLOPE * x)


class SubSampling(nn.Module):
    """The sum over 2x2 times a coefficient, plus a bias, and a sigmoid: (n, c, h, w) → (n, c, h/2, w/2)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.full((channels, 1, 1), 1 / 4))  # the average, to begin with
        self.bias = nn.Parameter(torch.zeros(channels, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        """Return maps of half the size."""
        return torch.sigmoid(4 * F.avg_pool2d(x, 2) * self.weight + self.bias)


class PartialConv(nn.Module):
    """A 5x5 convolution each of whose maps sees some maps of the input: (n, 6, h, w) → (n, 16, h-4, w-4).

    Maps that see equally many are the groups of one convolution, over the input's maps listed one after the
    other.
    """

    def __init__(self) -> None:
        super().__init__()
        self.sources = [list(rows) for _, rows in groupby(C3, key=len)]
        self.convs = nn.ModuleList(
            nn.Conv2d(sum(map(len, rows)), len(rows), KERNEL, groups=len(rows)) for rows in self.sources
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return the maps in the table's order."""
        maps = [x[:, index : index + 1] for index in range(C1)]
        parts = []
        for rows, conv in zip(self.sources, self.convs, strict=True):
            parts.append(conv(torch.cat([maps[index] for row in rows for index in row], 1)))
        return torch.cat(parts, 1)


class NearestCode(nn.Module):
    """Minus the squared distance to each class's code: (n, 84) → (n, classes). The codes are not trained."""

    codes: Tensor

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.register_buffer("codes", codes(classes))

    def forward(self, x: Tensor) -> Tensor:
        """Return the scores."""
        difference = x.unsqueeze(1) - self.codes
        return -1.0 * (difference**2).sum(-1)


class LeNet5(nn.Module):
    """(n, c, h, w) → (n, classes)."""

    def __init__(self, res: Res, classes: int, in_channels: int) -> None:
        super().__init__()
        height, width = map_sizes(res)[-1]
        self.squash = ScaledTanh()
        self.c1 = nn.Conv2d(in_channels, C1, KERNEL)
        self.s2 = SubSampling(C1)
        self.c3 = PartialConv()
        self.s4 = SubSampling(len(C3))
        self.c5 = nn.Conv2d(len(C3), C5, KERNEL)
        self.f6 = nn.Linear(C5 * height * width, F6)
        self.output = NearestCode(classes)

    def forward(self, x: Tensor) -> Tensor:
        """Return the scores, the greatest for the nearest code."""
        x = self.s2(self.squash(self.c1(x)))
        x = self.s4(self.squash(self.c3(x)))
        x = self.squash(self.c5(x)).flatten(1)
        return self.output(self.squash(self.f6(x)))  # type: ignore[no-any-return]


def _check(spec: ModelSpec) -> None:
    if spec.classes is not None and spec.classes > DIGITS:
        raise EdgeCnnError(f"lenet5 has codes of {DIGITS} digits, so classes={spec.classes} is too many")


@architecture(
    summary=f"LeNet-5 of 1998: {connections():,} connections, trained sub-sampling, digits' codes.",
    res=32,
    least_res=32,
    contract_res=32,
    source="LeCun et al. 1998, Proc. IEEE 86(11)",
    check=_check,
)
def lenet5(*, res: Res, classes: int = DIGITS, in_channels: int = 1) -> nn.Module:
    """LeNet-5 as in the paper; distances are large scores, so it learns at small rates such as 0.002."""
    return LeNet5(res, classes, in_channels)
