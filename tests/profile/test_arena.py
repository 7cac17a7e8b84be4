import re
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from edgecnn.graph.liveness import Lifetime, alive_bytes
from edgecnn.graph.tflite_file import read_tflite
from edgecnn.profile import profile_tflite
from edgecnn.profile.arena import ALIGNMENT, arena_bytes, offsets
from edgecnn.profile.tflite_profile import lifetimes

STEPS = 8


def aligned(size: int) -> int:
    return (size + ALIGNMENT - 1) // ALIGNMENT * ALIGNMENT


@st.composite
def lives(draw):
    first = draw(st.integers(0, STEPS - 1))
    return Lifetime(draw(st.integers(1, 200)), first, draw(st.integers(first, STEPS - 1)))


@given(st.lists(lives(), max_size=12))
def test_activations_that_are_alive_together_never_overlap(found):
    for (a, one), (b, other) in combinations(zip(offsets(found), found, strict=True), 2):
        together = one.first <= other.last and other.first <= one.last
        apart = a + aligned(one.nbytes) <= b or b + aligned(other.nbytes) <= a
        assert apart or not together


@given(st.lists(lives(), min_size=1, max_size=12))
def test_the_arena_is_at_least_the_peak_and_at_most_the_sum(found):
    peak = max(alive_bytes(found, STEPS))
    assert peak <= arena_bytes(found) <= sum(aligned(life.nbytes) for life in found)


def test_the_largest_is_placed_first_and_the_others_into_the_lowest_gap():
    found = [Lifetime(64, 0, 1), Lifetime(160, 1, 2), Lifetime(32, 2, 3), Lifetime(96, 3, 3)]
    # 160 at 0; 96 is not alive with it: 0; 64 lies behind 160; 32 behind 160 and 96, which it meets.
    assert offsets(found) == [160, 0, 160, 0]
    assert arena_bytes(found) == 160 + 64


def test_of_equals_the_last_is_placed_first():
    assert offsets([Lifetime(16, 0, 0), Lifetime(16, 0, 0)]) == [16, 0]


class Branches(nn.Module):
    """Maps of many sizes and lifetimes: a skip, a concatenation, a pool, a dense head."""

    def __init__(self):
        super().__init__()
        self.stem, self.left, self.right = (
            nn.Conv2d(3, 5, 3, 2, 1),
            nn.Conv2d(5, 5, 3, padding=1),
            nn.Conv2d(5, 7, 1),
        )
        self.pool, self.head = nn.MaxPool2d(3, 2, 1), nn.Linear(12, 10)

    def forward(self, x):
        import torch

        x = self.stem(x).relu()
        y = torch.cat([self.left(x) + x, self.right(x)], 1)
        return self.head(self.pool(y).mean((2, 3)))


class Upward(nn.Module):
    """A transposed convolution, a softmax and a resized skip."""

    def __init__(self):
        super().__init__()
        self.down, self.up = nn.Conv2d(2, 4, 2, 2), nn.ConvTranspose2d(4, 2, 2, 2)

    def forward(self, x):
        return (self.up(self.down(x).sigmoid()) + x).softmax(1)


NETWORKS = {
    "branches": (Branches, (1, 3, 30, 30)),
    "upward": (Upward, (1, 2, 12, 12)),
    **{name: (name, ()) for name in ("lenet", "mobilenet", "squeezenet1_1", "resnet20", "resnet18")},
}


@pytest.mark.parametrize(("network", "shape"), NETWORKS.values(), ids=NETWORKS)
def test_the_plan_is_that_of_tflite_micro(network, shape, tflite, small, capfd):
    micro = pytest.importorskip(
        "tflite_micro", reason='needs TFLite-Micro: pip install "edgecnn[mcu]"', exc_type=ImportError
    ).runtime
    data = tflite(small(network)) if isinstance(network, str) else tflite(network(), shape)
    interpreter = micro.Interpreter.from_bytes(data, arena_size=64 * 2**20)
    details = interpreter.get_input_details(0)
    interpreter.set_input(np.zeros(details["shape"], details["dtype"]), 0)
    interpreter.invoke()
    capfd.readouterr()
    interpreter.print_allocations()
    found = re.search(r"Arena allocation head (\d+) bytes", capfd.readouterr().err)
    assert found
    assert profile_tflite(data).arena_bytes == int(found[1])


def test_a_file_holds_each_activation_from_its_operator_to_its_last_reader(tflite):
    data = tflite(nn.Sequential(nn.Conv2d(1, 2, 3), nn.MaxPool2d(2)), (1, 1, 10, 10))
    image, conv, pool = 4 * 10 * 10, 4 * 8 * 8 * 2, 4 * 4 * 4 * 2
    expected = {Lifetime(image, 0, 0), Lifetime(conv, 0, 1), Lifetime(pool, 1, 1)}
    assert set(lifetimes(read_tflite(data))) == expected
    assert profile_tflite(data).peak_activation_bytes == max(image + conv, conv + pool)
