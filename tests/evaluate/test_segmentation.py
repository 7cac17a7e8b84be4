import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from edgecnn.data import IGNORE
from edgecnn.errors import EdgeCnnError
from edgecnn.evaluate.segmentation import join_maps, measure_maps, pack, unpack

CLASSES, OUTPUTS = 3, 4
SHAPE = (3, 2, 4)  # (n, h, w)
MASKS = hnp.arrays(np.int64, SHAPE, elements=st.sampled_from([0, 1, 2, IGNORE]))
MAPS = hnp.arrays(np.int64, SHAPE, elements=st.integers(0, OUTPUTS - 1))
NAMES = ("ground", "disc", "square", "more")


def measured(predicted, masks, classes=CLASSES, outputs=OUTPUTS):
    predicted, masks = np.asarray(predicted), np.asarray(masks)
    parts = [
        measure_maps(predicted[start : start + 2], masks[start : start + 2], classes, outputs)
        for start in range(0, len(masks), 2)
    ]
    return join_maps(parts, predicted.shape[1:], NAMES[:outputs], ())


def overlap(truth, named):
    """IoU and Dice by sets of pixels; None where there are none."""
    if not truth | named:
        return None
    return (
        len(truth & named) / len(truth | named),
        2 * len(truth & named) / (len(truth) + len(named)),
    )


def pixels(maps, value, counted):
    return {place for place in counted if maps[place] == value}


@given(MAPS, MASKS)
def test_every_figure_is_that_of_sets_of_pixels(predicted, masks):
    counted = [place for place in np.ndindex(SHAPE) if masks[place] != IGNORE]
    if not counted:
        return
    found = measured(predicted, masks)
    right = sum(predicted[place] == masks[place] for place in counted)
    assert found.pixel_accuracy == pytest.approx(right / len(counted))
    each = [overlap(pixels(masks, c, counted), pixels(predicted, c, counted)) for c in range(CLASSES)]
    present = [pair for pair in each if pair]
    assert found.mean_iou == pytest.approx(np.mean([iou for iou, _ in present]))
    assert found.dice == pytest.approx(np.mean([dice for _, dice in present]))
    rows = {row["class"]: (row["iou"], row["dice"]) for row in found.per_class()}
    assert rows == {NAMES[c]: pytest.approx(pair) for c, pair in enumerate(each) if pair}
    assert sum(count for *_, count in found.confusion()) == len(counted)


@given(MAPS, MASKS)
def test_the_dice_of_a_picture_is_that_of_its_own_pixels(predicted, masks):
    if (masks == IGNORE).all():
        return
    found = measured(predicted, masks).picture_dice
    for index in range(SHAPE[0]):
        alone = masks[index] != IGNORE
        if alone.any():
            one = measured(predicted[[index]], masks[[index]])
            assert found[index] == pytest.approx(one.dice)
        else:
            assert np.isnan(found[index])


def test_by_hand():
    # class 0: 3 true, 2 named, 2 right; class 1: 1 true, 2 named, 1 right
    found = measured([[[0, 0], [1, 1]]], [[[0, 0], [0, 1]]], classes=2, outputs=2)
    assert found.to_json() == {
        "kind": "measured",
        "n": 1,
        "pixel_accuracy": 3 / 4,
        "mean_iou": pytest.approx((2 / 3 + 1 / 2) / 2),
        "dice": pytest.approx((4 / 5 + 2 / 3) / 2),
    }
    assert list(found.confusion()) == [(0, 0, 2), (0, 1, 1), (1, 1, 1)]
    assert found.predicted(0).tolist() == [[0, 0], [1, 1]]


def test_intervals_hold_the_figures():
    rng = np.random.default_rng(0)
    masks = rng.integers(0, 3, (30, 8, 8))
    predicted = np.where(rng.random((30, 8, 8)) < rng.random((30, 1, 1)), masks, 0)
    found = measured(predicted, masks, outputs=3)
    for key, (low, high) in found.intervals.items():
        assert low < getattr(found, key) < high
        assert high - low < 0.3
    assert found.intervals == measured(predicted, masks, outputs=3).intervals


def test_a_smaller_map_is_compared_with_the_centre_of_the_mask():
    mask = np.full((1, 8, 8), 1)
    mask[:, 1:7, 1:7] = 0
    assert measured(np.zeros((1, 6, 6), int), mask).pixel_accuracy == 1
    assert measured(np.zeros((1, 7, 7), int), mask).pixel_accuracy < 1


@pytest.mark.parametrize("shape", [(4, 4), (2, 2), (16, 16)], ids=["half", "quarter", "twice"])
def test_a_map_of_another_resolution_is_refused(shape):
    with pytest.raises(EdgeCnnError, match="for an input of 8 x 8; it takes one that scores every pixel"):
        measured(np.zeros((1, *shape), int), np.zeros((1, 8, 8), int))


def test_masks_that_do_not_fit_are_refused():
    with pytest.raises(EdgeCnnError, match="3 classes, but masks have values up to 7"):
        measured(np.zeros((1, 2, 2), int), np.full((1, 2, 2), 7))
    with pytest.raises(EdgeCnnError, match="no pixel of the masks counts"):
        measured(np.zeros((1, 2, 2), int), np.full((1, 2, 2), IGNORE))


def test_pictures_with_another_map_are_counted():
    masks, one = np.zeros((3, 2, 2), int), np.zeros((3, 2, 2), int)
    other = one.copy()
    other[1, 0, 0] = 1
    assert measured(one, masks).differences(measured(other, masks)) == 1


@given(MAPS)
def test_a_packed_map_is_unpacked_as_it_was(maps):
    assert np.array_equal(unpack(pack(maps[0]), SHAPE[1:]), maps[0])
