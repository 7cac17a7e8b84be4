"""The training that passes share: a graph learns from another one's answers, from labels, or from both.

Some of the training pictures, one in ten and at most a thousand, are never trained on. After each epoch the
student is measured on them, and it ends with the weights with which it was best, those it began with
included: nearest to the teacher, or, where labels teach, most often right. They are training pictures: what
an evaluation holds out is not looked at.
"""

import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import onnx_ir as ir
import torch
from torch import Tensor, nn

from edgecnn.errors import EdgeCnnError
from edgecnn.graph.nodes import static_shape
from edgecnn.optimize import (
    Batches,
    DivergedError,
    Epoch,
    Loss,
    Processes,
    Session,
    classification_loss,
    optimize,
    segmentation_loss,
)
from edgecnn.optimize.best import Best, Score
from edgecnn.optimize.distillation import Distillation, answers, distillation_loss
from edgecnn.optimize.losses import hits, main_output
from edgecnn.optimize.reproducible import stream_seed
from edgecnn.quantize.bare import pairs
from edgecnn.quantize.context import Context
from edgecnn.quantize.lesson import Lesson
from edgecnn.quantize.outputs import common_maps, like, returning, scores
from edgecnn.quantize.training import Training
from edgecnn.runtime.torch_runner import mode
from edgecnn.trainable import to_graph, to_module
from edgecnn.training_recipe import Recipe

_VALIDATION, _EVERY = 1000, 10  # at most so many pictures, and one in so many, are not trained on
_BATCH = 64  # of them


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
    history: tuple[Epoch, ...]
    best: int
    before: float
    after: float
    validation: int
    against: str

    @property
    def note(self) -> str:
        """Return what came of it, in words."""
        epochs = f"{len(self.history)} epoch{'s' * (len(self.history) != 1)}"
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
    if pairs(student.graph):
        raise EdgeCnnError("the graph is quantized, and its rounding has to be trained with it: give qat")
    if teacher is not None:
        check_pair(student, teacher, lesson)
    maps = common_maps(student, teacher) if teacher is not None and lesson.features else []
    module = to_module(returning(student, maps))
    guide = None if teacher is None else to_module(returning(teacher, maps))
    course = lead(module, guide, context, lesson, name=name)
    return Taught(model=like(student, to_graph(module)), course=course)


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


def lead(
    module: nn.Module, teacher: nn.Module | None, context: Context, lesson: Lesson, *, name: str
) -> Course:
    """Train a module in place, as `teach` says."""
    training = context.training
    assert training is not None
    key = f"{context.position}-{name}"
    place = Processes(training.on)
    batches = training.batches()
    kept, held_back = _divided(len(batches), context.seed)
    how = Distillation(
        loss=lesson.loss, temperature=lesson.temperature, features=lesson.features, labels=lesson.labels
    )
    of_labels = _of_labels(module, training, lesson)
    if teacher is not None:
        teacher.requires_grad_(False).eval().to(place.device)
    try:
        loss = distillation_loss(teacher, how, of_labels)
        validation = _Chosen(batches, held_back, targets=bool(lesson.labels))
        measure = _Validation(teacher, loss, validation, place.device)
        best = Best(module, measure, by_loss=not lesson.labels, patience=lesson.patience)
        tell = partial(training.on_batch, name)
        examples = _Chosen(batches, kept, targets=bool(lesson.labels), tell=tell)
        session = replace(_session(key, training, place, best), on_epoch=partial(training.on_epoch, name))
        seed = stream_seed(context.seed, zlib.crc32(key.encode()))
        history = optimize(module, examples, loss, _recipe(lesson, training), seed=seed, session=session)
    except DivergedError as error:
        if training.checkpoints is not None:
            training.checkpoints.discard_checkpoint(key)  # resumed, it would diverge again
        raise EdgeCnnError(str(error).replace("lower --lr", "give a smaller lr")) from error
    return Course(
        weights=sum(parameter.requires_grad for parameter in module.parameters()),
        history=history,
        best=best.epoch,
        before=best.first.right,
        after=best.score.right,
        validation=len(held_back),
        against="labels" if lesson.labels else "teacher",
    )


def _divided(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the positions of the pictures to train on, and of those to validate with."""
    most = min(_VALIDATION, n // _EVERY)
    if not most:
        raise EdgeCnnError(f"{n} pictures are too few to train on; give at least {_EVERY}")
    order = np.random.default_rng(seed).permutation(n)
    return np.sort(order[most:]), np.sort(order[:most])


def _recipe(lesson: Lesson, training: Training) -> Recipe:
    return lesson.recipe.override(precision=training.precision)


def _session(key: str, training: Training, place: Processes, best: Best) -> Session:
    kept = training.checkpoints
    return Session(
        processes=place,
        augment=training.augment,
        best=best,
        resume=None if kept is None else kept.checkpoint(key),
        keep=None if kept is None else lambda state: kept.keep_checkpoint(key, state),
    )


def _of_labels(module: nn.Module, training: Training, lesson: Lesson) -> Loss | None:
    if not lesson.labels:
        return None
    return segmentation_loss(lesson.recipe) if training.masks else classification_loss(module, lesson.recipe)


@dataclass(frozen=True, eq=False)
class _Chosen:
    """Some of the pictures, with or without their targets."""

    batches: Batches
    positions: np.ndarray
    targets: bool
    tell: Callable[[int, int], None] = lambda _done, _of: None

    def __len__(self) -> int:
        return len(self.positions)

    def take(self, parts: Sequence[np.ndarray]) -> Iterator[tuple[Tensor, Tensor | None]]:
        """Give one batch for each part."""
        done = 0
        for inputs, targets in self.batches.take([self.positions[part] for part in parts]):
            done += len(inputs)
            self.tell(done, len(self))
            yield inputs, targets if self.targets else None


@dataclass(frozen=True, eq=False)
class _Validation:
    """What is measured of the student on pictures that it is not trained on."""

    teacher: nn.Module | None
    loss: Loss
    batches: _Chosen
    device: torch.device

    def __call__(self, module: nn.Module) -> Score:
        """Return the fraction that is right, and the loss."""
        n = len(self.batches)
        parts = [np.arange(start, min(start + _BATCH, n)) for start in range(0, n, _BATCH)]
        lost, right = 0.0, torch.zeros(2, dtype=torch.float64)
        home = next((parameter.device for parameter in module.parameters()), self.device)
        with mode(module, training=False), torch.no_grad():
            module.to(self.device)
            for part, (inputs, targets) in zip(parts, self.batches.take(parts), strict=True):
                inputs = inputs.to(self.device)
                targets = None if targets is None else targets.to(self.device)
                outputs = module(inputs)
                lost += float(self.loss(outputs, targets, inputs)) * len(part)
                right += hits(outputs, self.answers(inputs) if targets is None else targets).cpu()
            module.to(home)
        return Score(right=float(right[0] / right[1].clamp(min=1)), loss=lost / n)

    def answers(self, inputs: Tensor) -> Tensor:
        """Return what the teacher names."""
        assert self.teacher is not None
        return answers(main_output(self.teacher(inputs)))
