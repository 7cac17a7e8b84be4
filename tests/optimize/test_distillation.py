import numpy as np
import pytest
import torch
from torch import nn

from edgecnn.optimize.distillation import Distillation, answers, disagreement, distillation_loss
from edgecnn.optimize.losses import classification_loss
from edgecnn.training_recipe import Recipe


def softmax(values, temperature):
    powers = np.exp(np.asarray(values) / temperature)
    return powers / powers.sum(-1, keepdims=True)


@pytest.mark.parametrize("temperature", [1.0, 2.0, 4.0])
def test_the_loss_is_the_divergence_of_softened_answers_times_the_square_of_the_temperature(temperature):
    teacher, student = [[2.0, 0.0, -1.0], [0.5, 0.5, 3.0]], [[1.0, 1.0, 0.0], [0.0, 2.0, 1.0]]
    p, q = softmax(teacher, temperature), softmax(student, temperature)
    by_hand = temperature**2 * (p * np.log(p / q)).sum(-1).mean()
    found = disagreement(torch.tensor(student), torch.tensor(teacher), Distillation(temperature=temperature))
    assert found.item() == pytest.approx(by_hand, rel=1e-5)


def test_at_a_high_temperature_the_gradient_is_that_of_centred_scores():
    # (z_s - z_t) / classes for scores of mean zero: Hinton et al. 2015, equation 4
    teacher, student = torch.tensor([[2.0, -1.0, -1.0]]), torch.tensor([[0.5, 0.0, -0.5]], requires_grad=True)
    disagreement(student, teacher, Distillation(temperature=1000.0)).backward()
    assert torch.allclose(student.grad, (student.detach() - teacher) / 3, atol=2e-3)


def test_of_maps_the_mean_is_over_pixels():
    scores = torch.randn(2, 3, 4, 5, generator=torch.Generator().manual_seed(0))
    other = torch.randn(2, 3, 4, 5, generator=torch.Generator().manual_seed(1))
    flat = [each.movedim(1, -1).reshape(-1, 3) for each in (scores, other)]
    how = Distillation()
    assert torch.allclose(disagreement(scores, other, how), disagreement(*flat, how))


def test_attention_is_the_sum_of_squares_over_channels_on_the_unit_sphere():
    student, teacher = torch.zeros(1, 2, 1, 2), torch.zeros(1, 1, 1, 2)
    student[0, :, 0, 0], teacher[0, 0, 0] = torch.tensor([1.0, 2.0]), torch.tensor([1.0, 1.0])
    # attention (5, 0) and (1, 1), as unit vectors (1, 0) and (√½, √½): the square of their distance is 2 - √2
    same = torch.zeros(1, 2)
    how = Distillation(features=3.0)
    found = disagreement((same, student), (same, teacher), how)
    assert found.item() == pytest.approx(3 * (2 - 2**0.5), rel=1e-5)


def test_squares_are_the_mean_of_squares():
    found = disagreement(torch.tensor([[1.0], [4.0]]), torch.tensor([[0.0], [2.0]]), Distillation(loss="mse"))
    assert found.item() == pytest.approx((1 + 4) / 2)


@pytest.mark.parametrize("share", [0.0, 0.25, 1.0])
def test_labels_have_their_share_and_the_teacher_gets_no_gradient(share):
    student, teacher = nn.Linear(4, 3), nn.Linear(4, 3)
    inputs, labels = torch.ones(2, 4), torch.tensor([0, 2])
    of_labels = classification_loss(student, Recipe())
    loss = distillation_loss(teacher, Distillation(labels=share), of_labels)(student(inputs), labels, inputs)
    taught = disagreement(student(inputs), teacher(inputs), Distillation())
    labelled = nn.functional.cross_entropy(student(inputs), labels)
    assert loss.item() == pytest.approx(share * labelled.item() + (1 - share) * taught.item(), rel=1e-5)
    loss.backward()
    assert student.weight.grad is not None
    assert teacher.weight.grad is None


def test_without_a_teacher_labels_alone_teach():
    student, inputs, labels = nn.Linear(4, 3), torch.ones(2, 4), torch.tensor([0, 2])
    of_labels = classification_loss(student, Recipe())
    loss = distillation_loss(None, Distillation(labels=1.0), of_labels)(student(inputs), labels, inputs)
    assert torch.allclose(loss, nn.functional.cross_entropy(student(inputs), labels))


@pytest.mark.parametrize(
    ("shape", "expected"), [((2, 3), (2,)), ((2, 3, 1, 1), (2,)), ((2, 3, 4, 5), (2, 4, 5))], ids=str
)
def test_answers_are_of_pictures_or_of_pixels(shape, expected):
    assert answers(torch.zeros(shape)).shape == expected
