import numpy as np
import pytest
from PIL import Image

from edgecnn import data
from edgecnn.errors import EdgeCnnError

SHAPE = (4, 6)


@pytest.fixture
def pairs(tmp_path, picture):
    """Write a picture for each mask; return the folder."""

    def write(*masks, folder=tmp_path, suffix="png"):
        for number, mask in enumerate(masks):
            picture(folder / "images" / f"{number}.jpg", (*np.shape(mask)[:2], 3))
            picture(folder / "masks" / f"{number}.{suffix}", np.asarray(mask, np.uint8))
        return folder

    return write


def mask(*values):
    return np.resize(np.array(values, np.uint8), SHAPE)


def test_the_classes_are_as_many_as_the_highest_number_says(pairs):
    dataset = data.load(pairs(mask(0, 1), mask(0, 3)))
    assert (dataset.task, dataset.class_names) == ("segmentation", ("0", "1", "2", "3"))
    assert np.array_equal(dataset.masks[1], mask(0, 3))


def test_0_and_255_are_background_and_foreground(pairs):
    dataset = data.load(pairs(mask(0, 255), mask(0)))
    assert dataset.class_names == ("background", "foreground")
    assert np.array_equal(dataset.masks[0], mask(0, 1))


def test_among_more_classes_255_does_not_count(pairs):
    dataset = data.load(pairs(mask(0, 1, 255)))
    assert dataset.class_names == ("0", "1")
    assert np.array_equal(dataset.masks[0], mask(0, 1, data.IGNORE))


def test_a_palette_counts_by_its_numbers(pairs, tmp_path):
    folder = pairs(mask(0, 1))
    picture = Image.fromarray(mask(0, 2)).convert("P")
    picture.putpalette([0, 0, 0, 1, 1, 1, 200, 0, 0])
    picture.putdata(mask(0, 2).ravel().tolist())
    picture.save(folder / "masks" / "0.png", transparency=0)
    assert np.array_equal(data.load(folder).masks[0], mask(0, 2))


def test_gray_saved_as_rgb_is_gray(pairs):
    folder = pairs(mask(0, 1))
    Image.fromarray(mask(0, 1)[..., None].repeat(3, 2)).save(folder / "masks" / "0.png")
    assert np.array_equal(data.load(folder).masks[0], mask(0, 1))


def test_one_bit_is_two_classes(pairs):
    folder = pairs(mask(0, 1))
    Image.fromarray(mask(0, 1).astype(bool)).save(folder / "masks" / "0.png")
    assert np.array_equal(data.load(folder).masks[0], mask(0, 1))


def test_classes_txt_names_them_and_may_have_more(pairs, tmp_path):
    (tmp_path / "classes.txt").write_text("road\ncar\ntree\n")
    assert data.load(pairs(mask(0, 1))).class_names == ("road", "car", "tree")


def test_classes_txt_may_not_have_fewer(pairs, tmp_path):
    (tmp_path / "classes.txt").write_text("road\ncar\n")
    with pytest.raises(EdgeCnnError, match="have class 2, but .*classes.txt names 2 only"):
        data.load(pairs(mask(0, 2)))


def test_both_splits_have_the_classes_of_training(pairs, tmp_path):
    pairs(mask(0, 2), folder=tmp_path / "train")
    pairs(mask(0, 1), folder=tmp_path / "val")
    assert data.load(tmp_path, "held-out").class_names == ("0", "1", "2")


def test_a_class_that_training_lacks_is_found_where_it_is_read(pairs, tmp_path):
    pairs(mask(0, 1), folder=tmp_path / "train")
    pairs(mask(0, 7), folder=tmp_path / "val")
    with pytest.raises(EdgeCnnError, match=r"0.png: class 7 is out of range; the set has 2 classes"):
        data.load(tmp_path, "held-out").masks[0]


@pytest.mark.parametrize("folder", ["images", "masks"])
def test_a_pair_of_which_either_cannot_be_read_is_left_out_and_named(pairs, tmp_path, folder):
    pairs(mask(0, 1), mask(0, 1), mask(0, 2))
    (file,) = (tmp_path / folder).glob("1.*")
    file.write_bytes(b"")
    dataset = data.load(tmp_path)
    assert dataset.skipped == (f"{folder}/{file.name}: the file is empty",)
    assert [len(dataset.images), len(dataset.masks)] == [2, 2]
    assert np.array_equal(dataset.masks[1], mask(0, 2))


@pytest.mark.parametrize(
    ("masks", "sentence"),
    [
        ([mask(0), mask(0)], "are empty: every pixel is of class 0"),
        ([mask(0), np.resize([0, 1, 2], (*SHAPE, 3))], "a gray or palette picture of class numbers, not RGB"),
    ],
    ids=["empty", "colours"],
)
def test_masks_that_say_nothing_are_refused(pairs, masks, sentence):
    with pytest.raises(EdgeCnnError, match=sentence):
        data.load(pairs(*masks))


def test_a_mask_saved_with_loss_is_refused(pairs):
    with pytest.raises(EdgeCnnError, match="a mask in JPEG has lost its exact values; save it as PNG"):
        data.load(pairs(mask(0, 1), suffix="jpg"))


def test_a_mask_of_more_than_eight_bits_is_refused(pairs, tmp_path):
    folder = pairs(mask(0, 1))
    Image.fromarray(np.full(SHAPE, 300, np.uint16)).save(folder / "masks" / "0.png")
    with pytest.raises(EdgeCnnError, match="class 300 is out of range"):
        data.load(folder)


@pytest.mark.parametrize(("folder", "other"), [("images", "masks"), ("masks", "images")])
def test_a_file_without_its_partner_is_named(pairs, tmp_path, picture, folder, other):
    pairs(mask(0, 1))
    picture(tmp_path / folder / "alone.png", SHAPE)
    with pytest.raises(EdgeCnnError, match=rf"have none of their name in {other}/, such as alone.png"):
        data.load(tmp_path)


def test_two_pictures_of_one_name_are_refused(pairs, tmp_path, picture):
    pairs(mask(0, 1))
    picture(tmp_path / "images" / "0.png", SHAPE)
    with pytest.raises(EdgeCnnError, match="differs from another file there in its suffix only"):
        data.load(tmp_path)


def test_a_set_without_pictures_is_refused(tmp_path):
    for name in ("images", "masks"):
        (tmp_path / name).mkdir()
    with pytest.raises(EdgeCnnError, match="images has no pictures"):
        data.load(tmp_path)
