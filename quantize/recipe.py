"""Running passes one after another, each checked before and after."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import onnx_ir as ir

from edgecnn.calls import Call
from edgecnn.errors import EdgeCnnError, VerificationError
from edgecnn.graph.check import check
from edgecnn.graph.precision import precision_of
from edgecnn.quantize.context import Context
from edgecnn.quantize.passes import PASSES, Result


class Finished(Protocol):
    """Where the results of finished passes are kept, so that a recipe goes on behind them."""

    def find(self, position: int) -> Result | None:
        """Return what the pass of this position, from 1, gave before; None where it did not finish."""
        ...

    def keep(self, position: int, result: Result) -> None:
        """Keep what a pass gave."""
        ...


@dataclass(frozen=True, kw_only=True)
class Step:
    """One finished pass of a recipe.

    Attributes:
        call: the pass with its settings.
        matched: at how many places it applied.
        note: what it did, or, where it matched nothing, why.
        lossless: whether it changes outputs by rounding alone.
        before: the graph as it was.
        after: the graph as it is now.
        found: whether it had been finished by an earlier run of the recipe.
    """

    call: Call
    matched: int
    note: str
    lossless: bool
    before: ir.Model
    after: ir.Model
    found: bool = False


# What gives the user's side of a `Context`: named where a pass lacks it.
_FLAGS = {
    "images": "pictures to calibrate with (--calibrate DATA, or --images DATA of `edgecnn compress`)",
    "training": "pictures to train on (--calibrate DATA, or --images DATA of `edgecnn compress`)",
    "labels": "pictures with classes or masks to train on: class folders, a list, or masks as --images DATA",
    "latency": "a way to measure latency, which nothing gives here",
}


def complete_recipe(recipe: Sequence[Call]) -> tuple[Call, ...]:
    """Return the recipe with the passes that others of it have to come after, where they are missing.

    Each setting stands under its name: `width(0.75)` is `width(multiplier=0.75)`. Raises `EdgeCnnError` for
    an unknown pass or setting.
    """
    completed: list[Call] = []
    for given in recipe:
        call = Call(given.name, PASSES[given.name].named(given.arguments))
        PASSES[call.name].check_settings(call.arguments)
        present = {each.name for each in completed}
        completed += [Call(name) for name in PASSES[call.name].after if name not in present]
        completed.append(call)
    return tuple(completed)


def check_recipe(recipe: Sequence[Call], context: Context | None = None) -> None:
    """Raise `EdgeCnnError` before any work: an unknown pass or setting, or what a pass needs is not there.

    Without a context, only the recipe itself is looked at.
    """
    names = [call.name for call in recipe]
    for name in names:
        if PASSES[name].once and names.count(name) > 1:
            raise EdgeCnnError(f"{name} is in the recipe twice, and can run once; leave one out")
    for need, name in needs(recipe).items():
        if context is not None and getattr(context, need) is None:
            raise EdgeCnnError(f"{name} needs {_FLAGS[need]}")


def check_order(recipe: Sequence[Call], model: ir.Model) -> None:
    """Raise `EdgeCnnError` for a pass before which another one should have run."""
    done = {precision_of(model)}
    for call in complete_recipe(recipe):
        wanted = PASSES[call.name].behind
        if wanted and not done & set(wanted):
            before = " or ".join(wanted)
            raise EdgeCnnError(
                f"{call.name} takes a graph that {before} made; put it before: {wanted[0]} | {call.name}"
            )
        done.add(call.name)


def needs(recipe: Sequence[Call]) -> dict[str, str]:
    """Return what the passes need of a `Context`, each with the name of the first pass that needs it.

    Args:
        recipe: the passes, as read by `edgecnn.calls.parse_recipe`.
    """
    found: dict[str, str] = {}
    for call in complete_recipe(recipe):
        for need in PASSES[call.name].needed(call.arguments):
            found.setdefault(need, call.name)
    return found


def uses(recipe: Sequence[Call]) -> dict[str, str]:
    """Return what the passes make use of where it is there, each with the name of the first that does."""
    found: dict[str, str] = {}
    for call in complete_recipe(recipe):
        for use in PASSES[call.name].uses:
            found.setdefault(use, call.name)
    return found


def compress(
    model: ir.Model,
    recipe: Sequence[Call],
    on_step: Callable[[Step], None] = lambda _step: None,
    *,
    context: Context | None = None,
    finished: Finished | None = None,
) -> list[Step]:
    """Apply the passes in order; the model itself is not changed.

    Args:
        model: a canonical graph.
        recipe: the passes, as read by `edgecnn.calls.parse_recipe`; those that they come after are inserted.
        on_step: called after each pass.
        context: what passes may use besides the graph.
        finished: what an earlier run of the same recipe finished.

    Returns:
        A step for each pass, those that were inserted too.

    Raises:
        EdgeCnnError: an unknown pass or setting, a pass without what it needs, or a graph that a pass
            cannot take.
        VerificationError: a graph that is broken before, or by, a pass, which is named with those before it.
    """
    context = context or Context()
    check_recipe(recipe, context)
    check(model)
    check_order(recipe, model)
    context = replace(context, original=context.original or model)
    steps: list[Step] = []
    for call in complete_recipe(recipe):
        position = len(steps) + 1
        found = None if finished is None else finished.find(position)
        steps.append(_apply(model, call, steps, replace(context, position=position), found))
        model = steps[-1].after
        if finished is not None and found is None:
            finished.keep(position, Result(model=model, matched=steps[-1].matched, note=steps[-1].note))
        on_step(steps[-1])
    return steps


def _apply(model: ir.Model, call: Call, done: Sequence[Step], context: Context, found: Result | None) -> Step:
    entry = PASSES[call.name]
    extra = {"context": context} if entry.takes_context else {}
    try:
        result = found or entry.function(model, **call.arguments, **extra)
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
        found=found is not None,
    )


def _check_names(before: ir.Model, after: ir.Model) -> None:
    for what in ("inputs", "outputs"):
        old, new = ([value.name for value in getattr(model.graph, what)] for model in (before, after))
        if old != new:
            raise VerificationError(f"the {what} were {old} and are now {new}")
