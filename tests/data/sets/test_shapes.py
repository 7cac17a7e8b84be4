import numpy as np
import pytest

from edgecnn import data
from edgecnn.data.sets.shapes import draw


@pytest.fixture(scope="module")
def train():
    return data.load("shapes")


def test_there_are_400_pictures_to_train_on_and_200_held_out(train):
    rest = data.load("shapes", "held-out")
    assert (train.images.shape, rest.images.shape) == ((400, 64, 64, 3), (200, 64, 64, 3))
    assert not {image.tobytes() for image in train.images} & {image.tobytes() for image in rest.images}


def test_a_picture_depends_on_its_number_alone(train):
    image, mask = draw(17)
    assert np.array_equal(image, train.images[17])
    assert np.array_equal(mask, train.masks[17])


def test_every_picture_shows_one_shape_at_least_and_every_class_is_there(train):
    assert all(mask.any() for mask in train.masks)
    assert train.class_names == ("background", "disc", "square", "triangle")
    assert set(np.unique(train.masks)) == {0, 1, 2, 3}


def test_the_generator_s_stream_is_the_one_that_drew_them_first():
    # What PCG64(0) gives first, as numpy documents it for default_rng(0).
    assert np.random.Generator(np.random.PCG64(0)).random() == 0.6369616873214543


def test_a_shape_has_the_area_that_its_equation_says(train):
    # disc π r², square (1.6 r)², triangle (3 √3 / 4) r² of circumradius r, for r in 9..18 pixels
    factors = {1: np.pi, 2: 1.6**2, 3: 3 * 3**0.5 / 4}
    alone = [mask for mask in train.masks if len(np.unique(mask)) == 2]
    smallest = {label: min((m == label).sum() for m in alone if (m == label).any()) for label in factors}
    for label, factor in factors.items():
        assert factor * 9**2 * 0.9 < smallest[label] < factor * 18**2


def test_a_shape_stands_out_from_the_ground(train):
    gray = train.images.mean(-1)
    assert abs(gray[train.masks == 0].mean() - 127.5) < 3
    away = np.abs(train.images.astype(float) - 127.5)
    assert away[train.masks > 0].mean() > 2 * away[train.masks == 0].mean()
