"""Quantization-aware training: weights, biases and scales learn with the rounding in place.

    min_{w, b, s}  E_x L(z_q(x), z(x)),   z_q with every pair  q = clip(round(v / s) + z),  v' = (q - z) s
    ∂v'/∂v = 1 inside the range, 0 outside        s = s_0 exp(θ),  ∂v'/∂s as learned step size has it

before: a graph of the pairs of `int8`, or of `dynamic`, which are on weights alone; after: the same graph,
with other numbers as weights, biases and scales. What trains is what ships: pairs and zero points stay where
and what they are, scales that were equal (of a Concat, a pool) stay equal, those that an operator dictates
(Softmax 1/256) stay, and weights stay within -127 to 127 of their scale. The float network that was quantized
teaches; labels may have a share.
Sources: Jacob et al. 2018, arXiv:1712.05877, §3; Bengio et al. 2013, arXiv:1308.3432; Esser et al. 2020,
arXiv:1902.08153, §2.1 and §2.2 (gradient scale 1 / √(N Q_p)); θ is ours: a step changes a scale by a fraction
of itself, whatever its size, and it stays positive.
"""

from collections.abc import Mapping

import onnx_ir as ir

from edgecnn.calls import Value
from edgecnn.graph.precision import precision_of
from edgecnn.quantize.bare import pairs, without_pairs
from edgecnn.quantize.context import Context
from edgecnn.quantize.lesson import Lesson
from edgecnn.quantize.passes import Result, compression_pass


def _check(settings: Mapping[str, Value]) -> None:
    Lesson.of(settings)


def _may_need(settings: Mapping[str, Value]) -> tuple[str, ...]:
    return ("labels",) if settings["labels"] else ()


@compression_pass(
    lossless=False, needs=("training",), behind=("int8", "dynamic"), may_need=_may_need, check=_check
)
def qat(
    model: ir.Model,
    *,
    context: Context,
    epochs: int = 2,
    batch: int = 64,
    lr: float = 1e-3,
    optimizer: str = "adamw",
    loss: str = "kl",
    temperature: float = 4.0,
    labels: float = 0.0,
    scales: bool = True,
    patience: int = 0,
) -> Result:
    """Train weights, biases and scales of a quantized graph with its rounding in place."""
    from edgecnn.quantize.learning.rounding import teach_rounded

    if not pairs(model.graph):
        return Result(model=model.clone(), matched=0, note="int8 found nothing to quantize")
    assert context.original is not None
    lesson = Lesson(
        epochs=epochs,
        batch=batch,
        lr=lr,
        optimizer=optimizer,
        loss=loss,
        temperature=temperature,
        labels=labels,
        patience=patience,
    )
    taught = teach_rounded(model, _float(context.original), context, lesson, scales=scales)
    return Result(model=taught.model, matched=taught.course.weights, note=taught.course.note)


def _float(original: ir.Model) -> ir.Model:
    """Return the network as it was in float; a graph that was quantized before the recipe still holds it."""
    return original if precision_of(original) == "fp32" else without_pairs(original)
