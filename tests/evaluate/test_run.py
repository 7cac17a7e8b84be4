import numpy as np
import pytest

from edgecnn.data import Dataset
from edgecnn.errors import EdgeCnnError
from edgecnn.evaluate import Answers, Metrics, Segmentation, evaluate_dataset
from edgecnn.evaluate.run import fitting_batch
from edgecnn.preprocessing import Preprocessing

CONTRACT = Preprocessing(channel_order="L", height=4, width=4, mean=(0.0,), std=(1.0,))
LEVELS = np.array([0, 1, 2, 1, 0, 2, 2], np.uint8)  # the class of each picture, in its pixels
IMAGES = LEVELS[:, None, None, None].repeat(4, 1).repeat(4, 2)
NAMES = ("dark", "gray", "light")


def dataset(**given):
    given = {"labels": LEVELS.astype(np.int64), "class_names": NAMES} | given
    return Dataset(name="levels", split="held-out", images=IMAGES, **given)


def reads_classes(inputs):
    """Score the class that the pixels hold."""
    return np.eye(3, dtype=np.float32)[np.rint(inputs[:, 0, 0, 0] * 255).astype(int)]


def reads_maps(inputs):
    pixels = np.rint(inputs[:, 0] * 255).astype(int)
    return np.eye(3, dtype=np.float32)[pixels].transpose(0, 3, 1, 2)


MASKS = {"labels": None, "masks": IMAGES[..., 0]}
TASKS = {
    "classes": ({}, reads_classes, Metrics, "top1"),
    "masks": (MASKS, reads_maps, Segmentation, "dice"),
}


@pytest.mark.parametrize("batch", [1, 3, 100])
@pytest.mark.parametrize(("given", "runner", "kind", "figure"), TASKS.values(), ids=TASKS)
def test_a_network_that_reads_the_answer_is_right_in_batches_of_any_size(given, runner, kind, figure, batch):
    seen, progress = [], []

    def watched(inputs):
        seen.append(len(inputs))
        return runner(inputs)

    found = evaluate_dataset(
        watched, dataset(**given), CONTRACT, batch=batch, on_batch=lambda *each: progress.append(each)
    )
    assert isinstance(found, kind)
    assert (found.n, getattr(found, figure), found.class_names) == (7, 1, NAMES)
    assert sum(seen) == 7
    assert max(seen) <= batch
    assert progress == [(min(done + batch, 7), 7) for done in range(0, 7, batch)]


@pytest.mark.parametrize(("given", "runner", "kind", "figure"), TASKS.values(), ids=TASKS)
def test_classes_in_another_order_are_found_by_name(given, runner, kind, figure):
    turned = [2, 0, 1]
    found = evaluate_dataset(
        lambda inputs: runner(inputs)[:, turned],
        dataset(**given),
        CONTRACT,
        labels=[NAMES[index] for index in turned],
    )
    assert (getattr(found, figure), found.class_names) == (1, NAMES)
    assert found.notes == ("3 classes of the data set were found by name among the network's 3",)


@pytest.mark.parametrize(("runner", "maps"), [(reads_classes, 0), (reads_maps, 7)], ids=["classes", "maps"])
def test_without_labels_there_are_answers_alone(runner, maps):
    found = evaluate_dataset(runner, dataset(labels=None, class_names=()), CONTRACT)
    assert isinstance(found, Answers)
    assert (found.n, len(found.maps), found.to_json()) == (7, maps, {"kind": "measured", "n": 7})
    if not maps:
        assert found.predicted.tolist() == LEVELS.tolist()


def test_workers_change_nothing():
    alone, helped = (evaluate_dataset(reads_classes, dataset(), CONTRACT, workers=n) for n in (0, 1))
    assert np.array_equal(alone.predicted, helped.predicted)


@pytest.mark.parametrize(
    ("given", "runner", "sentence"),
    [
        ({}, reads_maps, "3 x 4 x 4 scores for each picture, not one score for each class"),
        (MASKS, reads_classes, "gives 3 scores for each picture, and levels .* has masks; .* such as unet"),
        ({}, lambda x: reads_classes(x)[:, :2], "2 outputs, but there are labels up to 2"),
        (
            {},
            lambda x: reads_classes(x) / x[:, 0, 0, :1],
            "output for picture 0 of levels .held-out. is not finite",
        ),
    ],
    ids=["maps for classes", "classes for masks", "too few outputs", "not finite"],
)
def test_a_network_that_does_not_fit_is_refused(given, runner, sentence):
    with np.errstate(divide="ignore", invalid="ignore"), pytest.raises(EdgeCnnError, match=sentence):
        evaluate_dataset(runner, dataset(**given), CONTRACT)


def test_what_a_reader_must_know_is_noted():
    colour = Dataset(
        name="levels",
        split="held-out",
        images=IMAGES.repeat(3, 3),
        labels=LEVELS.astype(np.int64),
        class_names=NAMES,
        skipped=("broken.jpg: truncated", "empty.png: empty"),
    )
    unread, gray = evaluate_dataset(reads_classes, colour, CONTRACT).notes
    assert unread == "2 files could not be read and were left out, such as broken.jpg: truncated"
    assert "converted to gray" in gray


@pytest.mark.parametrize(
    ("res", "batch"), [(32, 64), (224, 6), (2048, 1)], ids=["small", "usual", "large"]
)  # 4 MiB / (3 * 4 bytes * res²), at least 1 and at most 64
def test_large_pictures_make_small_batches(res, batch):
    contract = Preprocessing(channel_order="RGB", height=res, width=res, mean=(0.0,) * 3, std=(1.0,) * 3)
    assert fitting_batch(contract) == batch
