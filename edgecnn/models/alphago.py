"""AlphaGo's policy network: thirteen convolutions that keep the board's 19x19 points.

Silver et al. 2016, "Mastering the game of Go with deep neural networks and tree search", methods.
"""

from typing import Literal

import torch
from torch import Tensor, nn

from edgecnn.errors import EdgeCnnError
from edgecnn.models.architecture import architecture
from edgecnn.spec import ModelSpec, Res

BOARD = 19
PLANES = 48  # stones, liberties, turns since, ladders ...
HIDDEN = 11  # 3x3 convolutions between the 5x5 and the 1x1 one


class PositionBias(nn.Module):
    """A bias of its own for each point of the board: (n, 1, 19, 19) → the same."""

    def __init__(self) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(1, 1, BOARD, BOARD))

    def forward(self, x: Tensor) -> Tensor:
        """Add the bias."""
        return x + self.bias


class Policy(nn.Module):
    """From 48 planes of features to a probability for each point: (n, 48, 19, 19) → (n, 361)."""

    def __init__(self, k: int, *, softmax: bool) -> None:
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(PLANES, k, 5, padding=2), nn.ReLU(inplace=True))
        for _ in range(HIDDEN):
            self.features.extend([nn.Conv2d(k, k, 3, padding=1), nn.ReLU(inplace=True)])
        self.move = nn.Conv2d(k, 1, 1, bias=False)
        self.position = PositionBias()
        self.softmax = softmax

    def forward(self, x: Tensor) -> Tensor:
        """Return the probabilities; in training the logits, from which losses are computed."""
        scores = self.position(self.move(self.features(x))).flatten(1)
        return scores.softmax(1) if self.softmax and not self.training else scores  # type: ignore[no-any-return]


def _check(spec: ModelSpec) -> None:
    if spec.res != Res(BOARD, BOARD) or spec.in_channels != PLANES:
        raise EdgeCnnError(
            f"alphago_policy plays on {BOARD}x{BOARD} points with {PLANES} planes of features,"
            f" not on {spec.res} with {spec.in_channels}; leave out res and in_channels"
        )


@architecture(
    res=BOARD,
    least_res=BOARD,
    contract_res=BOARD,
    source="Silver et al. 2016, doi:10.1038/nature16961",
    check=_check,
    defaults={"in_channels": PLANES},
)
def alphago_policy(*, k: Literal[128, 192, 256, 384] = 192, softmax: bool = True) -> nn.Module:
    """AlphaGo's policy network: the probability of a move at each of 361 points.

    `k` are the filters of each layer, 192 in the match against Fan Hui; `softmax=false` gives the scores.
    """
    return Policy(k, softmax=softmax)
