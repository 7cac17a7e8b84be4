import math

import pytest
import torch
from torch import nn

from edgecnn.data import IGNORE
from edgecnn.errors import EdgeCnnError
from edgecnn.models import build
from edgecnn.optimize.losses import (
    centre,
    check_targets,
    classification_loss,
    hits,
    segmentation_loss,
    soft_dice,
)
from edgecnn.spec import ModelSpec
from edgecnn.training_recipe import Recipe

INPUTS = torch.zeros(1)
EVEN = torch.zeros(2, 4)  # the logits of two images, every class as likely as another
LABELS = torch.tensor([0, 3])


@pytest.mark.parametrize(
    ("text", "heads", "weight"),
    [
        ("googlenet(width=0.125, res=32, classes=4)", 2, 0.3),
        ("inception_v3(width=0.125, res=75, classes=4)", 1, 0.4),
        ("googlenet(width=0.125, res=32, classes=4, aux=false)", 0, 0.3),
    ],
    ids=["googlenet", "inception", "without heads"],
)
def test_auxiliary_heads_add_their_weight_times_their_loss(text, heads, weight):
    module = build(ModelSpec.parse(text)).train()
    res = ModelSpec.parse(text).res.height
    outputs = module(torch.randn(2, 3, res, res))
    assert (len(outputs) if isinstance(outputs, tuple) else 1) == 1 + heads
    loss = classification_loss(module, Recipe())
    # From even logits each cross-entropy is ln 4.
    even = (EVEN,) * (1 + heads) if heads else EVEN
    assert loss(even, LABELS, INPUTS).item() == pytest.approx((1 + heads * weight) * math.log(4))


def test_smoothing_spreads_its_share_over_all_classes():
    logits = torch.tensor([[math.log(3.0), 0.0, 0.0]])  # probabilities 0.6, 0.2, 0.2
    loss = classification_loss(nn.Identity(), Recipe(label_smoothing=0.3))
    expected = -(0.7 + 0.1) * math.log(0.6) - 0.1 * math.log(0.2) - 0.1 * math.log(0.2)
    assert loss(logits, torch.tensor([0]), INPUTS).item() == pytest.approx(expected)


def scores(probabilities):
    """The scores (1, 2, 1, w) under which class 1 has these probabilities."""
    p = torch.tensor(probabilities)
    return torch.stack([(1 - p).log(), p.log()])[None, :, None]


def test_ignored_pixels_do_not_count():
    masks = torch.tensor([[[1, 0, IGNORE]]])
    expected = -(math.log(0.9) + math.log(1 - 0.2)) / 2
    assert segmentation_loss(Recipe())(scores([0.9, 0.2, 0.5]), masks, INPUTS).item() == pytest.approx(
        expected
    )


def test_a_batch_without_any_counted_pixel_has_the_loss_0():
    masks = torch.full((1, 1, 2), IGNORE)
    assert segmentation_loss(Recipe())(scores([0.9, 0.2]), masks, INPUTS).item() == 0


def test_the_dice_term_is_one_minus_the_mean_dice_of_the_classes():
    masks = torch.tensor([[[1, 0, IGNORE]]])
    one = (2 * 0.9 + 1) / (0.9 + 0.2 + 1 + 1)
    zero = (2 * 0.8 + 1) / (0.1 + 0.8 + 1 + 1)
    given = scores([0.9, 0.2, 0.5])
    assert soft_dice(given, masks).item() == pytest.approx((one + zero) / 2)
    plain, added = (segmentation_loss(Recipe(dice=dice))(given, masks, INPUTS) for dice in (0.0, 0.5))
    assert (added - plain).item() == pytest.approx(0.5 * (1 - (one + zero) / 2))


def test_the_middle_of_the_mask_is_compared_with_a_smaller_map():
    masks = torch.arange(36).reshape(1, 6, 6)
    assert centre(masks, torch.zeros(1, 2, 2, 4)).tolist() == [[[13, 14, 15, 16], [19, 20, 21, 22]]]
    with pytest.raises(EdgeCnnError, match="8 x 8 is larger than the masks of 6 x 6"):
        centre(masks, torch.zeros(1, 2, 8, 8))


def test_right_images_and_right_counted_pixels_are_counted():
    assert hits((torch.eye(3), EVEN), torch.tensor([0, 1, 1])).tolist() == [2, 3]
    masks = torch.tensor([[[1, 1, IGNORE]]])
    assert hits(scores([0.9, 0.2, 0.9]), masks).tolist() == [1, 2]


@pytest.mark.parametrize("label", [4, -1])
def test_a_class_that_the_network_lacks_is_named(label):
    with pytest.raises(EdgeCnnError, match="the network has 4 outputs, but there is a label"):
        check_targets(EVEN, torch.tensor([0, label]))
    with pytest.raises(EdgeCnnError, match="the network has 2 outputs, but there is a label"):
        check_targets(scores([0.9, 0.2]), torch.tensor([[[0, label]]]))


def test_an_ignored_pixel_is_of_no_class():
    check_targets(scores([0.9, 0.2]), torch.tensor([[[0, IGNORE]]]))
