import pytest

from edgecnn.augmentation import Augmentation
from edgecnn.errors import EdgeCnnError


@pytest.mark.parametrize(
    "given",
    [
        {"flip": 1.5},
        {"flip": True},
        {"shift": -1},
        {"shift": 0.5},
        {"crop": "4"},
        {"scale": 0.0},
        {"scale": 1.1},
        {"colour": float("nan")},
        {"cutout": 10**9},
    ],
    ids=str,
)
def test_what_is_no_augmentation_is_refused(given):
    (name, value), *_ = given.items()
    with pytest.raises(EdgeCnnError, match=f"{name}={value} of the augmentation is not"):
        Augmentation(**given)


def test_it_is_read_back_from_json():
    augmentation = Augmentation(flip=0.5, crop=4, scale=0.08, colour=0.4, cutout=16)
    assert Augmentation.from_json(augmentation.to_json()) == augmentation


def test_an_unknown_kind_is_answered_with_the_nearest():
    with pytest.raises(EdgeCnnError, match="unknown kind of augmentation 'color'; did you mean colour"):
        Augmentation().override(color=0.4)


def test_what_is_none_stays():
    assert Augmentation(flip=0.5).override(flip=None, shift=2) == Augmentation(flip=0.5, shift=2)
