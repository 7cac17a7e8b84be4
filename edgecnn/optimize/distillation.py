"""Distillation: a network learns another one's answers, on pictures that need no labels.

    L = T² KL(softmax(z_t / T) ‖ softmax(z_s / T)) + f Σ_l ‖ q_s / ‖q_s‖ - q_t / ‖q_t‖ ‖²

z are the scores of teacher and student, before any softmax; the mean is over pictures, or over the pixels of
maps. T² keeps the size of the gradient whatever the temperature. q = Σ_c A_c² is the attention of a map A
(c, h, w), a vector of h w numbers, so that both networks' maps need equal height and width and no equal
channels. Sources: Hinton et al. 2015, arXiv:1503.02531, §2; Zagoruyko and Komodakis 2017, arXiv:1612.03928,
§3.1. With loss `mse`, for networks that name no class, the first term is the mean of (z_s - z_t)².
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from edgecnn.optimize.losses import Loss, Outputs, main_output


@dataclass(frozen=True, kw_only=True)
class Distillation:
    """How a student is compared with its teacher.

    Attributes:
        loss: `kl` or `mse`.
        temperature: T above, of `kl`.
        features: f above; the networks then return their maps behind the scores.
        labels: the share of the loss that labels have; the rest is the teacher's.
    """

    loss: str = "kl"
    temperature: float = 4.0
    features: float = 0.0
    labels: float = 0.0


def distillation_loss(teacher: nn.Module | None, how: Distillation, of_labels: Loss | None = None) -> Loss:
    """Return the loss of a student.

    Args:
        teacher: in evaluation mode and on the student's device; None where labels alone teach.
        how: the terms.
        of_labels: the loss of labels, where they have a share.
    """

    def loss(outputs: Outputs, targets: Tensor | None, inputs: Tensor) -> Tensor:
        total = torch.zeros((), device=inputs.device)
        if of_labels is not None and how.labels:
            total = how.labels * of_labels(main_output(outputs), targets, inputs)
        if teacher is not None and how.labels < 1:
            with torch.no_grad():
                answers = teacher(inputs)
            total = total + (1 - how.labels) * disagreement(outputs, answers, how)
        return total

    return loss


def disagreement(student: Outputs, teacher: Outputs, how: Distillation) -> Tensor:
    """Return L of what student and teacher return, a scalar."""
    loss = _TERMS[how.loss](main_output(student).float(), main_output(teacher).float(), how.temperature)
    if how.features and isinstance(student, tuple):
        pairs = zip(student[1:], teacher[1:], strict=True)
        loss = loss + how.features * sum((_attention(*pair) for pair in pairs), torch.zeros_like(loss))
    return loss


def _divergence(student: Tensor, teacher: Tensor, temperature: float) -> Tensor:
    own, other = (F.log_softmax(scores / temperature, 1) for scores in (student, teacher))
    return temperature**2 * F.kl_div(own, other, reduction="none", log_target=True).sum(1).mean()


def _squares(student: Tensor, teacher: Tensor, _temperature: float) -> Tensor:
    return F.mse_loss(student, teacher)


def _attention(student: Tensor, teacher: Tensor) -> Tensor:
    own, other = (F.normalize(each.float().square().sum(1).flatten(1), dim=1) for each in (student, teacher))
    return (own - other).square().sum(1).mean()


_TERMS: Mapping[str, Callable[[Tensor, Tensor, float], Tensor]] = {"kl": _divergence, "mse": _squares}


def answers(scores: Tensor) -> Tensor:
    """Return the class of each picture (n,), or of each pixel (n, h, w), that scores name."""
    named = scores.argmax(1)
    return named.reshape(len(named)) if named[0].numel() == 1 else named
