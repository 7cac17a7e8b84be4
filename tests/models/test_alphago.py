import pytest
import torch

import edgecnn
from edgecnn.errors import EdgeCnnError
from edgecnn.models import build
from edgecnn.models.initialize import initialize
from edgecnn.spec import ModelSpec

# Parameters and mult-adds by filters.
GOLDEN = {
    128: (1_777_641, 641_043_584),
    192: (3_882_793, 1_400_726_208),
    256: (6_798_953, 2_453_182_720),
    384: (15_064_297, 5_436_417_408),
}


@pytest.mark.parametrize("k", GOLDEN)
def test_costs_are_exact(k):
    result = edgecnn.costs(f"alphago_policy(k={k})")
    weights = 25 * 48 * k + 11 * 9 * k * k + k
    assert result.parameters == GOLDEN[k][0] == weights + 12 * k + 361
    assert result.mult_adds == GOLDEN[k][1] == 361 * weights
    assert result.receptive_field == (27, 27)


def test_the_match_version_is_the_default():
    assert edgecnn.costs("alphago_policy").parameters == GOLDEN[192][0]


def test_there_are_thirteen_convolutions_and_a_bias_for_each_point():
    layers = edgecnn.costs("alphago_policy").layers
    kinds = [layer.kind for layer in layers if layer.kind.startswith("Conv")]
    assert kinds == ["Conv 5x5"] + ["Conv 3x3"] * 11 + ["Conv 1x1"]
    assert {layer.shape[2:] for layer in layers if len(layer.shape) == 4} == {(19, 19)}
    assert next(layer.parameters for layer in layers if layer.name == "position") == 361


def policy(text="alphago_policy(k=128)"):
    boards = torch.randn(4, 48, 19, 19, generator=torch.Generator().manual_seed(1))
    return initialize(build(ModelSpec.parse(text)), 0, boards)


def test_it_gives_probabilities_and_in_training_logits():
    module, board = policy(), torch.randn(2, 48, 19, 19)
    with torch.no_grad():
        probabilities, logits = module(board), module.train()(board)
    assert probabilities.shape == (2, 361)
    torch.testing.assert_close(probabilities.sum(1), torch.ones(2))
    torch.testing.assert_close(logits.softmax(1), probabilities)


def test_the_softmax_can_be_left_out():
    with_softmax, without = policy(), policy("alphago_policy(k=128, softmax=false)")
    board = torch.randn(2, 48, 19, 19)
    with torch.no_grad():
        torch.testing.assert_close(without(board).softmax(1), with_softmax(board))
    assert edgecnn.costs("alphago_policy").layers[-1].kind == "Softmax"
    assert edgecnn.costs("alphago_policy(softmax=false)").layers[-1].kind == "Flatten"


def test_the_bias_moves_its_point_alone():
    module = policy("alphago_policy(k=128, softmax=false)")
    board = torch.randn(1, 48, 19, 19)
    with torch.no_grad():
        before = module(board)
        module.position.bias[0, 0, 3, 16] += 1.0
        moved = module(board) - before
    assert moved.nonzero().tolist() == [[0, 3 * 19 + 16]]
    assert moved.max() == pytest.approx(1.0, rel=1e-5)


def test_the_bias_of_random_weights_is_not_zero_lest_nobody_sees_it_dropped():
    assert policy().position.bias.std() > 0.05


@pytest.mark.parametrize("given", ["res=20", "res=19x21", "in_channels=49"])
def test_only_its_own_board_is_taken(given):
    with pytest.raises(EdgeCnnError, match="19x19 points with 48 planes|at least 19"):
        build(ModelSpec.parse(f"alphago_policy({given})"), "meta")


@pytest.mark.parametrize("given", ["k=200", "classes=10", "width=0.5"])
def test_what_it_has_not_is_refused(given):
    with pytest.raises(EdgeCnnError, match=given.partition("=")[0]):
        build(ModelSpec.parse(f"alphago_policy({given})"), "meta")
