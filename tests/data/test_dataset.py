import numpy as np
import pytest

from edgecnn.data import Dataset, contract
from edgecnn.data.files import picture_files
from edgecnn.errors import EdgeCnnError


def dataset(channels=1, **changes):
    images = np.random.default_rng(0).integers(0, 256, (5, 8, 6, channels), np.uint8)
    values = {
        "name": "made up",
        "split": "train",
        "images": images,
        "labels": np.array([0, 1, 0, 1, 1], np.int64),
        "class_names": ("cat", "dog"),
    }
    return Dataset(**values | changes)


def test_statistics_are_mean_and_deviation_per_channel_in_0_to_1():
    three = dataset(3)
    mean, std = three.statistics()
    assert mean == pytest.approx((three.images / 255).mean((0, 1, 2)), abs=1e-6)
    assert std == pytest.approx((three.images / 255).std((0, 1, 2)), abs=1e-6)


def test_a_channel_that_never_varies_has_deviation_1():
    assert dataset(images=np.full((5, 8, 6, 1), 51, np.uint8)).statistics() == ((51 / 255,), (1.0,))


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"images": np.zeros((5, 8, 6, 1))}, r"made up \(train\): images are uint8"),
        (
            {"images": np.zeros((5, 8, 6), np.uint8)},
            r"images are uint8 \(n, h, w, c\), not uint8 \(5, 8, 6\)",
        ),
        ({"labels": np.zeros(4, np.int64)}, r"one per image \(5\)"),
        ({"labels": np.zeros(5)}, "labels are int64"),
        ({"labels": np.array([0, 1, 2, 0, 0])}, "label 2 is out of range; there are 2 classes"),
        ({"labels": np.array([0, 1, -1, 0, 0])}, "label -1 is out of range"),
    ],
    ids=[
        "float images",
        "no channels",
        "too few labels",
        "float labels",
        "label too large",
        "label negative",
    ],
)
def test_what_does_not_fit_together_is_refused(changes, sentence):
    with pytest.raises(EdgeCnnError, match=sentence):
        dataset(**changes)


@pytest.mark.parametrize(
    ("channels", "in_channels", "order"),
    [(1, 1, "L"), (1, 3, "RGB"), (3, 3, "RGB")],
    ids=["gray to gray", "gray to colour", "colour to colour"],
)
def test_the_contract_squashes_and_normalizes_with_the_set_s_own_statistics(channels, in_channels, order):
    images = dataset(channels)
    found = contract(images, in_channels, 32, 24)
    assert (found.channel_order, found.height, found.width, found.resize) == (order, 32, 24, "squash")
    mean, std = images.statistics()
    assert found.mean == mean * (in_channels // channels)
    assert found.std == std * (in_channels // channels)


def test_under_its_contract_a_data_set_has_mean_0_and_deviation_1():
    images = dataset(3)
    batch = contract(images, 3, 8, 6).batch(images.images)
    assert batch.mean((0, 2, 3)) == pytest.approx([0, 0, 0], abs=1e-4)
    assert batch.std((0, 2, 3)) == pytest.approx([1, 1, 1], abs=1e-4)


def test_channels_that_do_not_fit_are_refused():
    with pytest.raises(EdgeCnnError, match=r"3 channel\(s\) and the network takes 1; give --in-channels 3"):
        contract(dataset(3), 1, 32, 32)


def test_arrays_of_two_channels_are_used_as_they_are():
    images = dataset(2)
    found = contract(images, 2, 8, 6)
    assert np.array_equal(found.apply(images.images[1]), images.images[1].transpose(2, 0, 1))


def test_arrays_of_two_channels_cannot_be_resized():
    with pytest.raises(EdgeCnnError, match="cannot be resized; give --res 8x6"):
        contract(dataset(2), 2, 32, 32)


def test_pictures_in_files_count_alike_whatever_their_size(tmp_path, picture):
    black, white = np.zeros((20, 20), np.uint8), np.full((2, 5), 255, np.uint8)
    names = [picture(tmp_path / name, pixels).name for name, pixels in (("a.png", black), ("b.png", white))]
    images = dataset(images=picture_files(tmp_path, names), labels=np.array([0, 1]))
    assert images.statistics() == ((0.5,), (0.5,))
    assert (images.channels, images.size) == (1, None)


def test_pictures_in_files_of_one_size_have_the_statistics_of_the_array(tmp_path, picture):
    names = [picture(tmp_path / f"{number}.png").name for number in range(3)]
    files = picture_files(tmp_path, names)
    lazy, array = (dataset(images=each, labels=np.array([0, 1, 1])) for each in (files, np.stack(files)))
    assert lazy.statistics() == array.statistics()


@pytest.mark.parametrize(
    ("changes", "task"),
    [
        ({}, "classification"),
        ({"labels": None}, "unlabelled"),
        ({"labels": None, "masks": np.zeros((5, 8, 6), np.uint8)}, "segmentation"),
    ],
    ids=["labels", "neither", "masks"],
)
def test_the_task_is_what_there_is_to_learn(changes, task):
    assert dataset(**changes).task == task


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"masks": np.zeros((5, 8, 6), np.uint8)}, "labels and masks; give one or the other"),
        ({"labels": None, "masks": np.zeros((4, 8, 6), np.uint8)}, "5 pictures and 4 masks"),
        (
            {"labels": None, "masks": np.zeros((5, 8, 6), np.uint8), "class_names": ("a",)},
            "at least 2 classes",
        ),
        ({"images": []}, "has no pictures"),
    ],
    ids=["both", "too few masks", "one class", "no pictures"],
)
def test_masks_and_pictures_that_do_not_fit_together_are_refused(changes, sentence):
    with pytest.raises(EdgeCnnError, match=sentence):
        dataset(**changes)
