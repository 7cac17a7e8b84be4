import numpy as np
import pytest

from edgecnn.errors import EdgeCnnError
from edgecnn.evaluate import evaluate, measure
from edgecnn.preprocessing import Preprocessing

CONTRACT = Preprocessing(channel_order="L", height=2, width=2, mean=(0.0,), std=(1.0,))


def one_hot(classes, count=10):
    return np.eye(count, dtype=np.float32)[classes]


def test_top1_is_the_fraction_of_images_named_right():
    metrics = measure(one_hot([3, 1, 2, 0]), np.array([3, 1, 0, 0]))
    assert (metrics.n, metrics.top1) == (4, 3 / 4)
    assert metrics.correct.tolist() == [True, True, False, True]
    assert metrics.predicted.tolist() == [3, 1, 2, 0]


def test_top5_counts_the_right_class_among_the_first_five():
    scores = np.arange(10.0)[None].repeat(3, 0)  # the order is 9, 8, 7, 6, 5, 4, ...
    metrics = measure(scores, np.array([9, 5, 4]))
    assert (metrics.top1, metrics.top5) == (1 / 3, 2 / 3)
    assert metrics.rank.tolist() == [0, 4, 5]


def test_of_equal_scores_the_first_class_wins():
    metrics = measure(np.zeros((2, 3)), np.array([0, 1]))
    assert metrics.predicted.tolist() == [0, 0]
    assert metrics.correct.tolist() == [True, False]


def test_correct_agrees_with_the_prediction_whatever_the_scores():
    rng = np.random.default_rng(0)
    scores, labels = rng.integers(0, 3, (500, 4)).astype(np.float32), rng.integers(0, 4, 500)  # many ties
    metrics = measure(scores, labels)
    assert np.array_equal(metrics.correct, metrics.predicted == labels)


def test_two_artifacts_are_compared_image_by_image():
    labels = np.array([0, 1, 2])
    one, other = measure(one_hot([0, 1, 3]), labels), measure(one_hot([0, 2, 4]), labels)
    assert one.differences(other) == 2
    assert one.differences(one) == 0


def test_json_marks_the_figures_as_measured():
    metrics = measure(one_hot([0, 1]), np.array([0, 2]))
    assert metrics.to_json() == {"kind": "measured", "n": 2, "top1": 0.5, "top5": 1.0}


@pytest.mark.parametrize("batch", [1, 3, 7, 100])
def test_every_image_is_preprocessed_and_run_once_in_order(batch):
    images = np.arange(7, dtype=np.uint8)[:, None, None, None].repeat(2, 1).repeat(2, 2)
    seen, progress = [], []

    def runner(inputs):
        seen.append(inputs)
        return one_hot(np.rint(inputs[:, 0, 0, 0] * 255).astype(int))[:, :, None, None]

    metrics = evaluate(
        runner,
        images,
        np.arange(7),
        CONTRACT,
        batch=batch,
        on_batch=lambda done, n: progress.append((done, n)),
    )
    assert metrics.top1 == 1
    assert np.array_equal(np.concatenate(seen), CONTRACT.batch(images))
    assert progress == [(min(done + batch, 7), 7) for done in range(0, 7, batch)]


@pytest.mark.parametrize(
    ("labels", "sentence"),
    [
        ([0, 10], "has 10 outputs, but there are labels up to 10"),
        ([0, -1], "10 outputs"),
        ([0], "2 images and 1 labels"),
    ],
    ids=["too large", "negative", "too few"],
)
def test_labels_that_do_not_fit_are_refused(labels, sentence):
    with pytest.raises(EdgeCnnError, match=sentence):
        evaluate(
            lambda x: one_hot([0] * len(x)), np.zeros((2, 2, 2, 1), np.uint8), np.array(labels), CONTRACT
        )


def test_outputs_that_are_not_finite_are_refused():
    scores = one_hot([0, 1, 2])
    scores[1, 4] = np.nan
    with pytest.raises(EdgeCnnError, match=r"output for image 1 is not finite \(1 in all\)"):
        measure(scores, np.array([0, 1, 2]))
