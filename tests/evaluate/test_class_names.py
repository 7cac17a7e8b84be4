import pytest

from edgecnn.errors import EdgeCnnError
from edgecnn.evaluate.class_names import class_order

PETS = ("cat", "dog", "fox")
NUMBERS = ("0", "1", "2")


@pytest.mark.parametrize(
    ("classes", "labels", "order", "names"),
    [
        (PETS, PETS, [0, 1, 2], PETS),
        (("fox", "cat", "dog"), PETS, [2, 0, 1], ("fox", "cat", "dog")),
        (("fox", "cat"), PETS, [2, 0, 1], ("fox", "cat", "dog")),
        (("cat", "dog"), PETS, [0, 1, 2], PETS),
        (PETS, None, [0, 1, 2], PETS),
        (PETS, NUMBERS, [0, 1, 2], PETS),
        (NUMBERS, PETS, [0, 1, 2], PETS),
        (("0", "1"), None, [0, 1, 2], NUMBERS),
        ((), PETS, [0, 1, 2], PETS),
    ],
    ids=[
        "the same", "another order", "fewer in another order", "the first ones", "a network without names",
        "a network with numbers", "numbers", "fewer numbers", "no labels",
    ],
)  # fmt: skip
def test_classes_find_their_outputs(classes, labels, order, names):
    found = class_order(classes, labels, 3)
    assert found.outputs.tolist() == order
    assert found.names == names
    assert bool(found.note) == (order != [0, 1, 2])


@pytest.mark.parametrize(
    ("classes", "labels", "sentence"),
    [
        (("cat", "cow"), PETS, "does not know 1 of the data set's 2 classes: cow; its own are cat, dog, fox"),
        (("cat", "dog"), None, "2 classes and the network 3 outputs without names"),
        (("a", "b", "c", "d"), PETS, "3 outputs, but there are labels up to 3"),
        (("dog", "cat"), ("cat", "dog", "dog"), "two outputs of one name"),
    ],
    ids=["unknown", "not as many", "too many", "not unique"],
)
def test_classes_that_cannot_be_found_are_refused(classes, labels, sentence):
    with pytest.raises(EdgeCnnError, match=sentence):
        class_order(classes, labels, 3)
