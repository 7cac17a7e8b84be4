"""Leading a student through a lesson: the loss, what is held back, checkpoints, and the one training loop."""

import zlib
from dataclasses import replace
from functools import partial

import torch
from torch import nn

from edgecnn.errors import EdgeCnnError
from edgecnn.optimize import (
    DivergedError,
    Loss,
    Processes,
    Session,
    classification_loss,
    optimize,
    segmentation_loss,
)
from edgecnn.optimize.best import Best
from edgecnn.optimize.distillation import Distillation, distillation_loss
from edgecnn.optimize.reproducible import stream_seed
from edgecnn.quantize.context import Context
from edgecnn.quantize.learning.held_back import Chosen, Validation, divided
from edgecnn.quantize.lesson import Lesson
from edgecnn.quantize.teach import Course
from edgecnn.quantize.training import Training


def lead(
    module: nn.Module, teacher: nn.Module | None, context: Context, lesson: Lesson, *, name: str
) -> Course:
    """Train a module in place, as `teach` says."""
    training = context.training
    assert training is not None
    place, batches = Processes(training.on), training.batches()
    kept, held_back = divided(len(batches), context.seed)
    if teacher is not None:
        teacher.requires_grad_(False).eval()
        teacher.to(place.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    loss, targets = _loss(module, teacher, training, lesson), bool(lesson.labels)
    measure = Validation(teacher, loss, Chosen(batches, held_back, targets), place.device)
    best = Best(module, measure, by_loss=not targets, patience=lesson.patience)
    examples = Chosen(batches, kept, targets, partial(training.on_batch, name))
    key = f"{context.position}-{name}"
    session = replace(_session(key, training, place, best), on_epoch=partial(training.on_epoch, name))
    recipe = lesson.recipe.override(precision=training.precision)
    seed = stream_seed(context.seed, zlib.crc32(key.encode()))
    try:
        history = optimize(module, examples, loss, recipe, seed=seed, session=session)
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
        against="labels" if targets else "teacher",
    )


def _loss(module: nn.Module, teacher: nn.Module | None, training: Training, lesson: Lesson) -> Loss:
    how = Distillation(
        loss=lesson.loss, temperature=lesson.temperature, features=lesson.features, labels=lesson.labels
    )
    of_masks = training.masks and lesson.labels
    of_labels = segmentation_loss(lesson.recipe) if of_masks else classification_loss(module, lesson.recipe)
    return distillation_loss(teacher, how, of_labels)


def _session(key: str, training: Training, place: Processes, best: Best) -> Session:
    kept = training.checkpoints
    return Session(
        processes=place,
        augment=training.augment,
        best=best,
        resume=None if kept is None else kept.checkpoint(key),
        keep=None if kept is None else lambda state: kept.keep_checkpoint(key, state),
    )
