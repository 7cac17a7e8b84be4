from dataclasses import replace

import numpy as np
import pytest

from edgecnn.augmentation import Augmentation
from edgecnn.data import IGNORE, Dataset, load
from edgecnn.errors import EdgeCnnError
from edgecnn.pipeline.network import open_network
from edgecnn.pipeline.training_pictures import TrainingPlace, open_training, with_own_augmentation

CPU = TrainingPlace(on="cpu")


def pictures(labels, names, **fields):
    images = np.random.default_rng(0).integers(0, 256, (len(labels), 8, 8, 1)).astype(np.uint8)
    given = {"labels": np.array(labels), "class_names": names, **fields}
    return Dataset(name="some", split="train", images=images, **given)


@pytest.fixture(scope="module")
def network():
    found = open_network("lenet(classes=3)")
    return replace(found, labels=("cat", "dog", "cow"))


def targets(training):
    batches = training.batches()
    return next(iter(batches.take([np.arange(len(batches))])))[1]


def test_classes_are_numbered_as_the_networks_outputs_are(network):
    training = open_training(network, pictures([0, 1, 1, 2], ("cow", "cat", "dog")), CPU)
    assert targets(training).tolist() == [2, 0, 0, 1]
    assert training.labelled
    assert not training.masks


def test_the_pictures_are_read_once_when_the_first_training_begins(network):
    training = open_training(network, pictures([0, 1, 2], ("cat", "dog", "cow")), CPU)
    assert training.batches() is training.batches()
    assert targets(training).tolist() == [0, 1, 2]


def test_pictures_without_classes_have_no_targets(network):
    training = open_training(network, replace(pictures([0, 0], ("cat",)), labels=None, class_names=()), CPU)
    assert not training.labelled
    assert targets(training) is None


def test_masks_are_renumbered_and_what_counts_for_none_stays():
    unet = open_network("unet", width=0.125, res=32, in_channels=3, classes=4, options={"padding": "same"})
    shapes = load("shapes")
    names = shapes.class_names
    unet = replace(unet, labels=tuple(reversed(names)))
    masks = np.array(shapes.masks[:2])
    masks[0, :4, :4] = IGNORE
    few = replace(shapes, images=shapes.images[:2], masks=masks)
    training = open_training(unet, few, CPU)
    assert training.masks
    found, plain = targets(training), targets(open_training(replace(unet, labels=names), few, CPU))
    counted = plain != IGNORE
    assert (found[counted] == len(names) - 1 - plain[counted]).all()
    assert (found[~counted] == IGNORE).all()
    assert bool((~counted).any())


@pytest.mark.parametrize(
    ("labels", "names", "said"),
    [([0, 1, 2, 3], tuple("abcd"), "3 outputs"), ([0, 1, 1], ("cat", "fox"), "does not know 1 of")],
    ids=["too many", "another"],
)
def test_classes_that_the_network_does_not_know_are_refused(network, labels, names, said):
    with pytest.raises(EdgeCnnError, match=said):
        open_training(network, pictures(labels, names), CPU)


def test_masks_are_not_for_a_network_that_names_one_class(network):
    with pytest.raises(EdgeCnnError, match="has masks, and lenet.* names a class of the whole picture"):
        open_training(network, load("shapes"), CPU)


def test_the_changes_asked_for_win_over_those_of_a_run(tmp_path):
    asked = replace(CPU, augmentation=Augmentation(flip=0.5))
    assert with_own_augmentation(asked, "lenet") is asked
    assert with_own_augmentation(CPU, tmp_path) is CPU
