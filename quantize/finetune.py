"""Fine-tuning: training goes on with labels.

    min_w  E_(x, y) [ (1 - t) H(y, softmax(z_w(x))) + t L(z_w(x), z(x)) ]

before: weights that passes changed; after: the same graph, trained on pictures x of classes y, or of masks.
L is the loss of `distill`, t is `teacher`: the share of the network before the recipe, 0 unless told
otherwise. Source: Hinton et al. 2015, arXiv:1503.02531, §2, for the mixture.
"""

from collections.abc import Mapping

import onnx_ir as ir

from edgecnn.calls import Value
from edgecnn.errors import EdgeCnnError
from edgecnn.quantize.context import Context
from edgecnn.quantize.lesson import Lesson
from edgecnn.quantize.passes import Result, compression_pass
from edgecnn.quantize.teach import teach


def _check(settings: Mapping[str, Value]) -> None:
    Lesson.of(settings)
    if not 0 <= float(settings["teacher"]) < 1:
        raise EdgeCnnError(
            f"teacher={settings['teacher']} of finetune is not a fraction from 0 to below 1; distill needs no"
            " labels"
        )


@compression_pass(lossless=False, needs=("labels",), check=_check)
def finetune(
    model: ir.Model,
    *,
    context: Context,
    epochs: int = 5,
    batch: int = 64,
    lr: float = 1e-3,
    optimizer: str = "adamw",
    teacher: float = 0.0,
    temperature: float = 4.0,
    patience: int = 0,
) -> Result:
    """Train the graph on pictures with classes or masks; weights change."""
    lesson = Lesson(
        epochs=epochs,
        batch=batch,
        lr=lr,
        optimizer=optimizer,
        labels=1 - teacher,
        temperature=temperature,
        patience=patience,
    )
    taught = teach(model, context.original if teacher else None, context, lesson, name="finetune")
    return Result(model=taught.model, matched=taught.course.weights, note=taught.course.note)
