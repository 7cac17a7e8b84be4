"""The training that passes share: a graph learns from another one's answers, from labels, or from both.

Some of the training pictures, one in ten and at most a thousand, are never trained on. After each epoch the
student is measured on them, and it ends with the weights with which it was best, those it began with
included: nearest to the teacher, or, where labels teach, most often right. They are training pictures: what
an evaluation holds out is not looked at.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import onnx_ir as ir

from edgecnn import units
from edgecnn.errors import EdgeCnnError
from edgecnn.graph.nodes import static_shape
from edgecnn.graph.precision import HALF, precision_of, stored_weights
from edgecnn.quantize.bare import pairs
from edgecnn.quantize.context import Context
from edgecnn.quantize.lesson import Lesson
from edgecnn.quantize.outputs import common_maps, like, returning, scores

if TYPE_CHECKING:
    from edgecnn.optimize import Epoch


@dataclass(frozen=True, kw_only=True)
class Course:
    """How a training went.

    Attributes:
        weights: how many tensors were trained.
        history: the epochs that were run.
        best: the number of the epoch whose weights these are; 0 for those it began with.
        before: the fraction of the validation pictures with the teacher's answer, or the label's, at first.
        after: the same at the end.
        validation: how many pictures that is.
        against: whose answers are the right ones, `teacher` or `labels`.
    """

    weights: int
    history: "tuple[Epoch, ...]"
    best: int
    before: float
    after: float
    validation: int
    against: str

    @property
    def note(self) -> str:
        """Return what came of it, in words."""
        epochs = units.several(len(self.history), "epoch")
        which = f", the best after {self.best}" if self.best != len(self.history) else ""
        return (
            f"{epochs}{which}; as the {self.against} on {self.before:.2%} → {self.after:.2%} of"
            f" {self.validation} training pictures held back"
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class Taught:
    """A trained graph, and how its training went."""

    model: ir.Model
    course: Course


def teach(
    student: ir.Model,
    teacher: ir.Model | None,
    context: Context,
    lesson: Lesson,
    *,
    name: str = "distill",
) -> Taught:
    """Return the student with weights that a teacher, or labels, have taught.

    The same seed gives the same weights. Where the context keeps checkpoints, a training that was interrupted
    goes on behind its last finished epoch.

    Args:
        student: a canonical graph; it is not changed.
        teacher: the graph whose answers are right; it has the same input and as many outputs. None where
            labels alone teach.
        context: with `training`, and `labels` where the lesson's labels have a share.
        lesson: how.
        name: of the training, unique within a pass: its random numbers and its checkpoint are its own.

    Raises:
        EdgeCnnError: an operator that does not train, answers of different shapes, or a loss that grows
            beyond all bounds.
    """
    from edgecnn.quantize.learning.lead import lead
    from edgecnn.trainable import to_graph, to_module

    _refuse_rounded(student)
    if teacher is not None:
        check_pair(student, teacher, lesson)
    maps = common_maps(student, teacher) if teacher is not None and lesson.features else []
    module = to_module(returning(student, maps))
    guide = None if teacher is None else to_module(returning(teacher, maps))
    course = lead(module, guide, context, lesson, name=name)
    return Taught(model=like(student, to_graph(module)), course=course)


def _refuse_rounded(student: ir.Model) -> None:
    if pairs(student.graph):
        raise EdgeCnnError("the graph is quantized, and its rounding has to be trained with it: give qat")
    if precision_of(student) == "fp16":
        raise EdgeCnnError("the weights are in float16, too coarse for small steps; train before fp16")
    if stored_weights(student) == HALF:
        raise EdgeCnnError("the weights are rounded to float16 already; train before half_weights")


def check_pair(student: ir.Model, teacher: ir.Model, lesson: Lesson) -> None:
    """Raise `EdgeCnnError` where a student cannot learn from a teacher."""
    own, other = (static_shape(scores(model)) for model in (student, teacher))
    if own[1:] != other[1:] or len(own) < 2:
        raise EdgeCnnError(
            f"the network answers with {_sizes(own)} and its teacher, the network before the recipe, with"
            f" {_sizes(other)}, so that they cannot be compared"
        )
    if lesson.loss == "kl" and own[1] < 2:
        raise EdgeCnnError("the network has one output and names no class; give loss=mse")


def _sizes(shape: Sequence[int]) -> str:
    return " x ".join(map(str, shape[1:])) or "one number for all pictures"
