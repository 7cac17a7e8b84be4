import copy

import numpy as np
import pytest
import torch
from torch import nn

from edgecnn.calls import parse_recipe
from edgecnn.errors import EdgeCnnError
from edgecnn.graph.save import to_bytes
from edgecnn.optimize import augmentation
from edgecnn.optimize.distillation import _TERMS
from edgecnn.preprocessing import raw_preprocessing
from edgecnn.quantize import compress
from edgecnn.quantize.lesson import LOSSES, Lesson
from edgecnn.quantize.outputs import common_maps, scores
from edgecnn.quantize.teach import teach
from edgecnn.runtime.onnx_runner import OnnxRunner
from edgecnn.training_recipe import Recipe

from .lessons import IMAGES, Kept, damaged, learning, network
from .networks import Branches, graph

QUICK = Lesson(epochs=2, lr=3e-3)
LONGER = Lesson(epochs=4, batch=16, lr=1e-2)


def test_every_loss_that_a_lesson_may_have_has_its_term():
    assert set(LOSSES) == set(_TERMS)


def agreement(model, other) -> float:
    answers = [OnnxRunner(each)(IMAGES).argmax(1) for each in (model, other)]
    return float((answers[0] == answers[1]).mean())


def test_a_student_learns_its_teachers_answers_from_pictures_alone():
    teacher = network()
    student = damaged(teacher)
    taught = teach(student, teacher, learning(), LONGER)
    assert agreement(student, teacher) < 0.75
    assert agreement(taught.model, teacher) > agreement(student, teacher) + 0.15
    course = taught.course
    assert course.validation == 30
    assert course.after == course.history[course.best - 1].validation
    assert course.after > course.before
    assert [epoch.epoch for epoch in course.history] == [1, 2, 3, 4]
    assert f"{course.before:.2%} → {course.after:.2%} of 30" in course.note


def test_neither_graph_is_changed_and_names_stay():
    teacher = network()
    student = damaged(teacher)
    before = [to_bytes(each) for each in (student, teacher)]
    taught = teach(student, teacher, learning(), QUICK)
    assert [to_bytes(each) for each in (student, teacher)] == before
    assert list(taught.model.graph.initializers) == list(student.graph.initializers)
    assert [node.name for node in taught.model.graph] == [node.name for node in student.graph]
    assert [value.name for value in taught.model.graph.outputs] == [v.name for v in student.graph.outputs]


def test_the_same_seed_gives_the_same_bytes_and_another_one_others():
    teacher = network()
    student = damaged(teacher)
    first, again, other = (
        to_bytes(teach(student, teacher, learning(seed=seed), QUICK).model) for seed in (0, 0, 1)
    )
    assert first == again
    assert first != other


@pytest.mark.parametrize("epochs", [1, 2])
def test_an_interrupted_training_goes_on_to_the_same_bytes(epochs):
    teacher = network()
    student, lesson = damaged(teacher), Lesson(epochs=3, lr=3e-3)
    whole = teach(student, teacher, learning(), lesson)
    kept = Kept(fail_after=epochs)
    with pytest.raises(KeyboardInterrupt):
        teach(student, teacher, learning(checkpoints=kept), lesson)
    resumed = Kept()
    resumed.states = copy.deepcopy(kept.states)
    after = teach(student, teacher, learning(checkpoints=resumed), lesson)
    assert to_bytes(after.model) == to_bytes(whole.model)
    assert [epoch.loss for epoch in after.course.history] == [epoch.loss for epoch in whole.course.history]


def test_a_training_that_makes_it_worse_leaves_the_graph_as_it_was():
    teacher = network()
    taught = teach(teacher, teacher, learning(), Lesson(epochs=2, lr=0.5))
    assert taught.course.best == 0
    assert to_bytes(taught.model) == to_bytes(teacher)


def test_a_training_without_a_better_student_stops_when_patience_ends():
    teacher = network()
    taught = teach(teacher, teacher, learning(), Lesson(epochs=9, lr=0.5, patience=2))
    assert len(taught.course.history) == 2


def test_student_and_teacher_see_the_same_changed_pictures():
    teacher, seen = network(), []
    changes = augmentation(Recipe(flip=1.0), raw_preprocessing(3, 8, 8))

    def augment(inputs, masks, generator):
        changed = changes(inputs, masks, generator)
        seen.append(bool(torch.equal(changed[0], inputs.flip(-1))))
        return changed

    taught = teach(teacher, teacher, learning(augment=augment), Lesson(epochs=1, lr=1e-12, optimizer="sgd"))
    assert all(seen)
    # in training BatchNorm takes the batch's statistics, so that the loss is not zero but small
    assert taught.course.history[0].loss < 0.5


def test_a_softmax_at_the_end_is_left_out_of_the_comparison():
    plain, ending = network(), network(behind=(nn.Softmax(1),))
    assert scores(ending).producer().op_type == "Gemm"
    assert scores(plain) is plain.graph.outputs[0]
    taught = teach(damaged(ending), ending, learning(), LONGER)
    assert taught.course.after > taught.course.before
    np.testing.assert_allclose(OnnxRunner(taught.model)(IMAGES).sum(1), 1, rtol=1e-5)


def test_maps_of_one_name_and_size_are_compared_the_last_of_each_size():
    teacher = network()
    assert common_maps(damaged(teacher), teacher) == ["2", "4"]
    plain = teach(damaged(teacher), teacher, learning(), QUICK)
    featured = teach(damaged(teacher), teacher, learning(), Lesson(epochs=2, lr=3e-3, features=1.0))
    assert featured.course.history[0].loss > plain.course.history[0].loss
    assert [value.name for value in featured.model.graph.outputs] == ["output"]


def test_labels_teach_without_a_teacher():
    student = network()
    labels = (IMAGES.mean((1, 2, 3)) > 0).astype(np.int64)
    taught = teach(student, None, learning(targets=labels), Lesson(epochs=6, batch=16, lr=1e-2, labels=1.0))
    assert taught.course.against == "labels"
    assert taught.course.after > max(0.7, taught.course.before)


def test_maps_are_taught_by_maps_and_by_masks():
    body = (nn.Conv2d(3, 6, 3, padding=1), nn.ReLU(), nn.Conv2d(6, 3, 1))
    teacher = graph(nn.Sequential(*body))
    student = damaged(teacher, 1.0)
    distilled = teach(student, teacher, learning(), Lesson(epochs=3, lr=1e-2))
    assert distilled.course.after > distilled.course.before
    masks = OnnxRunner(teacher)(IMAGES).argmax(1).astype(np.int64)
    context = learning(targets=masks, masks=True)
    tuned = teach(student, teacher, context, Lesson(epochs=3, lr=1e-2, labels=0.5))
    assert tuned.course.after > tuned.course.before


def refused(student, teacher, lesson=QUICK, **given):
    with pytest.raises(EdgeCnnError) as found:
        teach(student, teacher, learning(**given), lesson)
    return str(found.value)


def test_what_cannot_be_taught_is_refused():
    teacher = network()
    assert "answers with 4 and its teacher, the network before the recipe, with 5" in refused(
        network(classes=4), teacher
    )
    assert "give loss=mse" in refused(network(classes=1), network(classes=1))
    assert "9 pictures are too few" in refused(teacher, teacher, images=IMAGES[:9])
    assert "maps of one name and size" in refused(
        graph(nn.Sequential(nn.Flatten(), nn.Linear(192, 5))), teacher, Lesson(features=1.0)
    )
    quantized = compress(teacher, parse_recipe("int8"), context=learning())[-1].after
    assert refused(quantized, teacher).endswith("give qat")
    halved = compress(teacher, parse_recipe("fp16"))[-1].after
    assert refused(halved, teacher).endswith("train before fp16")
    stored = compress(teacher, parse_recipe("half_weights"))[-1].after
    assert refused(stored, teacher).endswith("train before half_weights")


def test_a_loss_beyond_all_bounds_says_which_setting_to_lower():
    teacher, kept = network(), Kept()
    lesson = Lesson(epochs=1, lr=1e6, optimizer="sgd")
    said = refused(damaged(teacher), teacher, lesson, checkpoints=kept)
    assert "diverged" in said
    assert "give a smaller lr" in said
    assert kept.states == {}


def test_one_output_is_taught_by_squares():
    teacher = network(classes=1)
    taught = teach(damaged(teacher), teacher, learning(), Lesson(epochs=3, lr=3e-3, loss="mse"))
    errors = [
        np.square(OnnxRunner(each)(IMAGES) - OnnxRunner(teacher)(IMAGES)).mean()
        for each in (damaged(teacher), taught.model)
    ]
    assert errors[1] < errors[0] / 2


def test_branches_that_are_joined_are_taught():
    teacher = graph(Branches())
    assert teach(damaged(teacher), teacher, learning(), QUICK).course.after > 0.5
