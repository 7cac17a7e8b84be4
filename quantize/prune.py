"""Structured pruning: channels go, with all that depends on them, until a budget is met.

    keep ⊂ units,   cost(keep) ≤ fraction × cost(all),   the least important ones left out

before: a graph; after: the same operators on fewer channels, a plain graph that any runtime runs faster.
With pictures, the layers that are left are then fitted to what they gave before (`reconstruct.py`).
Sources: Li et al. 2017, arXiv:1608.08710 (filters by their norm); Fang et al. 2023, arXiv:2301.12900 (what
depends on what).
"""

from collections.abc import Mapping
from dataclasses import replace

import onnx_ir as ir

from edgecnn.calls import Value
from edgecnn.errors import EdgeCnnError
from edgecnn.quantize import ranking
from edgecnn.quantize.budget import COSTS, Budget, Cut, Plan, cost_of, to_budget, to_latency, words
from edgecnn.quantize.context import Context
from edgecnn.quantize.dependency.settle import settle_shapes
from edgecnn.quantize.importance import IMPORTANCES, check_ranked
from edgecnn.quantize.lesson import Lesson
from edgecnn.quantize.passes import Result, compression_pass
from edgecnn.quantize.teach import teach

_BUDGETS = (*COSTS, "latency")
_USUAL = 0.5
_KERNELS = 8  # channels at once, in most kernels of a CPU


def _check(settings: Mapping[str, Value]) -> None:
    given = [name for name in _BUDGETS if settings[name]]
    if len(given) > 1:
        raise EdgeCnnError(f"prune: {' and '.join(given)} are two budgets; give one")
    for name in given:
        if not 0 < float(settings[name]) <= 1:
            raise EdgeCnnError(
                f"prune: {name}={settings[name]} is no fraction to keep; give more than 0, at most 1"
            )
    check_ranked(settings)
    if not 0 <= float(settings["floor"]) <= 1:
        raise EdgeCnnError(f"prune: floor={settings['floor']} is no fraction; give 0 to 1")
    if int(settings["rounds"]) < 1 or int(settings["multiple"]) < 0:
        raise EdgeCnnError("prune: rounds is 1 or more, and multiple 1 or more, or 0 for the device's")
    if int(settings["epochs"]) < 0:
        raise EdgeCnnError(f"prune: epochs={settings['epochs']} is no number of epochs; give 0 or more")
    if settings["epochs"] and (int(settings["rounds"]) == 1 or settings["latency"]):
        raise EdgeCnnError(
            "prune: epochs are trained between rounds of another budget; give rounds=2 or more"
        )


def _may_need(settings: Mapping[str, Value]) -> tuple[str, ...]:
    return ("training",) if settings["epochs"] else ()


@compression_pass(lossless=False, uses=("images",), check=_check, may_need=_may_need)
def prune(
    model: ir.Model,
    *,
    mult_adds: float = 0.0,
    parameters: float = 0.0,
    bytes: float = 0.0,  # noqa: A002
    latency: float = 0.0,
    importance: str = "l2",
    floor: float = 0.1,
    multiple: int = 0,
    rounds: int = 1,
    epochs: int = 0,
    pictures: int = 1024,
    context: Context | None = None,
) -> Result:
    """Remove channels until a fraction of mult-adds, parameters, bytes or latency is left: loses accuracy.

    Args:
        model: a float graph.
        mult_adds: the fraction kept; without any budget, half of the mult-adds.
        parameters: likewise.
        bytes: likewise, of the weights.
        latency: likewise, by the function that the context brings.
        importance: `l1`, `l2`, `gamma` or `taylor`.
        floor: the fraction that every axis keeps at the least.
        multiple: channels are left in multiples of so many; 0 means the device's, or, where none is known,
            8 for layers of 32 and more and fewer for smaller ones: odd counts run slower than they cost.
        rounds: in how many rounds, importance being found anew in each.
        epochs: of distillation after each round but the last, which needs training pictures.
        pictures: that the layers which are left are fitted to, where the context brings any; 0 fits nothing.
        context: brings pictures, the device's multiple, and what a graph takes on the device.
    """
    context = context or Context()
    given = {"mult_adds": mult_adds, "parameters": parameters, "bytes": bytes, "latency": latency}
    (name, fraction) = next(((key, value) for key, value in given.items() if value), ("mult_adds", _USUAL))
    if fraction == 1:
        return Result(
            model=model.clone(), matched=0, note=f"all of the {words(name)} may stay: nothing is removed"
        )
    plan = Plan(
        importance=IMPORTANCES[importance], floor=floor, step=_step(multiple, context), pictures=pictures
    )
    start = settle_shapes(model)
    if name == "latency":
        return _result(to_latency(start, plan, fraction, context), name)
    whole = cost_of(start, name)
    done = Cut(model=start)
    for number in range(1, rounds + 1):
        budget = Budget(name=name, most=whole * fraction ** (number / rounds), whole=whole)
        done += to_budget(done.model, plan, budget, context)
        if epochs and number < rounds:
            teacher = model if context.original is None else context.original
            taught = teach(done.model, teacher, context, Lesson(epochs=epochs), name=f"prune-{number}")
            done = replace(done, model=taught.model)
    return _result(done, name)


def _result(done: Cut, name: str) -> Result:
    note = f"{done.gone} of {done.of} channels removed, {done.left:.1%} of the {words(name)} kept"
    return Result(model=done.model, matched=done.gone, note="; ".join([note, *done.notes]))


def _step(multiple: int, context: Context) -> ranking.Step:
    if multiple:
        return lambda _count: multiple
    return ranking.preferred(context.multiple if context.multiple > 1 else _KERNELS)
