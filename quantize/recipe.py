"""Running passes one after another, each checked before and after."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import onnx_ir as ir

from edgecnn.calls import Call
from edgecnn.errors import EdgeCnnError, VerificationError
from edgecnn.graph.check import check
from edgecnn.quantize.passes import PASSES


@dataclass(frozen=True, kw_only=True)
class Step:
    """One finished pass of a recipe, with the graph as it was before and after it."""

    call: Call
    matched: int
    note: str
    lossless: bool
    before: ir.Model
    after: ir.Model


def check_recipe(recipe: Sequence[Call]) -> None:
    """Raise `EdgeCnnError` for an unknown pass or setting, before any work is done."""
    for call in recipe:
        PASSES[call.name].check_settings(call.arguments)


def compress(
    model: ir.Model, recipe: Sequence[Call], on_step: Callable[[Step], None] = lambda _step: None
) -> list[Step]:
    """Apply the passes in order and return a step for each; the model itself is not changed.

    Args:
        model: a canonical graph.
        recipe: the passes, as read by `edgecnn.calls.parse_recipe`.
        on_step: called after each pass.

    Raises:
        EdgeCnnError: an unknown pass or setting, or a graph that a pass cannot take.
        VerificationError: a graph that is broken before, or by, a pass, which is named with those before it.
    """
    check_recipe(recipe)
    check(model)
    steps: list[Step] = []
    for call in recipe:
        steps.append(_apply(model, call, steps))
        model = steps[-1].after
        on_step(steps[-1])
    return steps


def _apply(model: ir.Model, call: Call, done: Sequence[Step]) -> Step:
    entry = PASSES[call.name]
    try:
        result = entry.function(model, **call.arguments)
        check(result.model)
        _check_names(model, result.model)
    except EdgeCnnError as error:
        before = f" (after {' | '.join(str(step.call) for step in done)})" if done else ""
        kind = VerificationError if isinstance(error, VerificationError) else EdgeCnnError
        raise kind(f"pass {call}{before}: {error}") from error
    return Step(
        call=call,
        matched=result.matched,
        note=result.note,
        lossless=entry.lossless,
        before=model,
        after=result.model,
    )


def _check_names(before: ir.Model, after: ir.Model) -> None:
    for what in ("inputs", "outputs"):
        old, new = ([value.name for value in getattr(model.graph, what)] for model in (before, after))
        if old != new:
            raise VerificationError(f"the {what} were {old} and are now {new}")
