import numpy as np
import pytest

from edgecnn.errors import EdgeCnnError
from edgecnn.evaluate import Answers, compare, mcnemar, measure, paired_difference, sign_flip, wilson
from edgecnn.evaluate.segmentation import join_maps, measure_maps, pack


def named(classes, labels=(0, 1, 2, 0, 1, 2)):
    return measure(np.eye(4)[list(classes)], np.array(labels))


def segmented(predicted, masks):
    counts = measure_maps(np.array(predicted), np.array(masks), 2, 2)
    return join_maps([counts], (1, 2), ("no", "yes"), ())


def test_classes_are_compared_image_by_image():
    first, other = named([0, 1, 2, 3, 3, 3]), named([0, 1, 1, 0, 1, 2])
    found = compare(first, other)
    assert (found.n, found.differs_on) == (6, 4)
    assert (found.agreement, found.agreement_interval) == (2 / 6, wilson(2, 6))
    seen = found.difference
    assert (seen.figure, seen.only_first_right, seen.only_other_right) == ("top1", 1, 3)
    assert (seen.value, seen.p_value) == (2 / 6, mcnemar(1, 3))
    assert seen.interval == paired_difference(1, 3, 6)


def test_maps_are_compared_by_the_dice_of_each_picture():
    masks = [[[0, 1]]] * 4
    first = segmented([[[0, 1]], [[0, 0]], [[1, 1]], [[0, 0]]], masks)
    other = segmented([[[0, 1]], [[0, 1]], [[0, 1]], [[0, 0]]], masks)
    found = compare(first, other)
    assert (found.n, found.differs_on, found.agreement) == (4, 2, 6 / 8)
    # a picture with one wrong pixel: Dice (2/3 + 0) / 2
    gained = 1 - 1 / 3
    assert found.difference.value == pytest.approx(2 * gained / 4)
    assert found.difference.p_value == sign_flip(np.array([0, gained, gained, 0])) == 0.5
    low, high = found.difference.interval
    assert 0 <= low < found.difference.value < high
    assert found.difference.only_first_right is None


def test_answers_are_compared_without_saying_which_is_right():
    found = compare(Answers(predicted=np.array([0, 1, 2])), Answers(predicted=np.array([0, 1, 1])))
    assert (found.differs_on, found.agreement, found.difference) == (1, 2 / 3, None)
    assert "difference" not in found.to_json()
    one, other = (
        Answers(maps=tuple(pack(np.array(each)) for each in maps), shape=(1, 2))
        for maps in ([[[0, 1]], [[1, 1]]], [[[0, 1]], [[0, 0]]])
    )
    assert (compare(one, other).differs_on, compare(one, other).agreement) == (1, 2 / 4)


def test_json_has_everything():
    found = compare(named([0, 1, 2, 3, 3, 3]), named([0, 1, 1, 0, 1, 2])).to_json()
    assert set(found) == {"kind", "n", "differs_on", "agreement", "agreement_interval", "difference"}
    assert found["difference"]["interval"] == paired_difference(1, 3, 6)


def test_maps_of_different_sizes_have_dice_in_common_and_no_pixels():
    masks = np.array([[[0, 1, 1, 0]]] * 2)
    small, large = (
        join_maps([measure_maps(masks[..., part], masks, 2, 2)], (1, width), ("no", "yes"), ())
        for part, width in ((slice(0, 3), 3), (slice(0, 4), 4))
    )
    found = compare(small, large)
    assert (found.differs_on, found.agreement, found.to_json()["agreement_interval"]) == (2, None, None)
    assert found.difference.value == 1 - small.dice


@pytest.mark.parametrize(
    ("first", "other", "sentence"),
    [
        (named([0] * 6), named([0] * 3, labels=(0, 1, 2)), "Metrics of 6 pictures and Metrics of 3"),
        (named([0] * 6), named([0] * 6, labels=(0,) * 6), "the labels differ"),
        (named([0]  * 6), Answers(predicted=np.zeros(6, int)), "Metrics of 6 pictures and Answers of 6"),
        (
            Answers(predicted=np.zeros(1, int), class_names=("a", "b")),
            Answers(predicted=np.zeros(1, int), class_names=("b", "a")),
            "name their classes differently",
        ),
        (
            Answers(predicted=np.zeros(1, int)),
            Answers(maps=(pack(np.zeros((1, 1))),), shape=(1, 1)),
            "different sizes",
        ),
        (
            Answers(maps=(pack(np.zeros((1, 2))),), shape=(1, 2)),
            Answers(maps=(pack(np.zeros((2, 1))),), shape=(2, 1)),
            "different sizes",
        ),
    ],
    ids=["other pictures", "other labels", "other kinds", "other classes", "classes and maps", "other sizes"],
)  # fmt: skip
def test_what_cannot_be_compared_is_refused(first, other, sentence):
    with pytest.raises(EdgeCnnError, match=sentence):
        compare(first, other)
