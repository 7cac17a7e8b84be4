"""Distillation within a recipe: the network as it was before the recipe teaches what became of it.

    min_w  E_x [ T² KL(softmax(z(x) / T) ‖ softmax(z_w(x) / T)) ]

before: weights that passes cut, merged or rounded; after: the same graph with weights that give the answers
of the graph before the recipe, over pictures x that need no labels. With `features` the maps of both
networks are compared, too. Source: Hinton et al. 2015, arXiv:1503.02531; `edgecnn/optimize/distillation.py`
has the whole loss.
"""

from collections.abc import Mapping

import numpy as np
import onnx_ir as ir

from edgecnn.calls import Value
from edgecnn.graph.nodes import static_shape
from edgecnn.quantize.context import Context
from edgecnn.quantize.lesson import Lesson
from edgecnn.quantize.passes import Result, compression_pass
from edgecnn.quantize.teach import teach
from edgecnn.runtime.onnx_runner import OnnxRunner

_LOOKED_AT = 16  # pictures
_ROUNDING = 1e-4  # of the range of the outputs


def _check(settings: Mapping[str, Value]) -> None:
    Lesson.of(settings)


@compression_pass(lossless=False, needs=("training",), check=_check)
def distill(
    model: ir.Model,
    *,
    context: Context,
    epochs: int = 5,
    batch: int = 64,
    lr: float = 1e-3,
    optimizer: str = "adamw",
    loss: str = "kl",
    temperature: float = 4.0,
    features: float = 0.0,
    patience: int = 0,
) -> Result:
    """Train the graph to answer as it did before the recipe, on pictures without labels; weights change."""
    assert context.original is not None
    lesson = Lesson(
        epochs=epochs,
        batch=batch,
        lr=lr,
        optimizer=optimizer,
        loss=loss,
        temperature=temperature,
        features=features,
        patience=patience,
    )
    if _alike(model, context.original, context):
        note = "no pass before it changed what the network answers, so there is nothing to learn"
        return Result(model=model.clone(), matched=0, note=note)
    taught = teach(model, context.original, context, lesson, name="distill")
    return Result(model=taught.model, matched=taught.course.weights, note=taught.course.note)


def _alike(model: ir.Model, original: ir.Model, context: Context) -> bool:
    """Tell whether both graphs give the same answers on a few pictures, but for rounding."""
    if model is original:
        return True
    assert context.training is not None
    batches = context.training.batches()
    inputs, _ = next(iter(batches.take([np.arange(min(_LOOKED_AT, len(batches)))])))
    shapes = {static_shape(each.graph.inputs[0]) for each in (model, original)}
    if len(shapes) > 1 or len(inputs) % next(iter(shapes))[0]:
        return False
    # As the graphs stand: a layer that is float between pairs would else be computed in integers.
    own, other = (OnnxRunner(each, integers=False)(inputs.numpy()) for each in (model, original))
    return own.shape == other.shape and bool(np.abs(own - other).max() <= _ROUNDING * np.ptp(other))
