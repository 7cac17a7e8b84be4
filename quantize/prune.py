"""Structured pruning: channels go, with all that depends on them, until a budget is met.

    keep ⊂ units,   cost(keep) ≤ fraction × cost(all),   the least important ones left out

before: a graph; after: the same operators on fewer channels, a plain graph that any runtime runs faster.
Sources: Li et al. 2017, arXiv:1608.08710 (filters by their norm); Fang et al. 2023, arXiv:2301.12900 (what
depends on what).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import onnx_ir as ir

from edgecnn.calls import Value
from edgecnn.errors import EdgeCnnError, UnknownNameError
from edgecnn.quantize import ranking
from edgecnn.quantize.context import Context
from edgecnn.quantize.dependency import Dependencies, cut, trace
from edgecnn.quantize.dependency.connections import spell_connections
from edgecnn.quantize.dependency.pools import (
    Cost,
    Pools,
    byte_cost,
    find_pools,
    mult_add_cost,
    parameter_cost,
)
from edgecnn.quantize.dependency.settle import settle_shapes
from edgecnn.quantize.importance import IMPORTANCES
from edgecnn.quantize.lesson import Lesson
from edgecnn.quantize.passes import Result, compression_pass
from edgecnn.quantize.teach import teach

_COSTS = {"mult_adds": mult_add_cost, "parameters": parameter_cost, "bytes": byte_cost}
_BUDGETS = (*_COSTS, "latency")
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
    if settings["importance"] not in IMPORTANCES:
        raise UnknownNameError("importance", settings["importance"], IMPORTANCES)
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


@compression_pass(lossless=False, check=_check, may_need=_may_need)
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
        context: brings pictures, the device's multiple, and what a graph takes on the device.
    """
    context = context or Context()
    given = {"mult_adds": mult_adds, "parameters": parameters, "bytes": bytes, "latency": latency}
    (name, fraction) = next(((key, value) for key, value in given.items() if value), ("mult_adds", _USUAL))
    if fraction == 1:
        return Result(
            model=model.clone(), matched=0, note=f"all of the {_words(name)} may stay: nothing is removed"
        )
    plan = _Plan(importance, floor, _step(multiple, context), context)
    start = settle_shapes(model)
    if name == "latency":
        return _result(_reached(start, lambda graph: plan.by_latency(graph, fraction)), name)
    found = trace(start)
    whole = _COSTS[name](found, pools := find_pools(found))(pools.counts)
    done = _Cut(model=start, left=1.0, gone=0, of=0)
    for number in range(1, rounds + 1):
        budget = whole * fraction ** (number / rounds)
        done += _reached(done.model, lambda graph: plan.within(graph, name, budget, whole))  # noqa: B023
        if epochs and number < rounds:
            teacher = model if context.original is None else context.original
            taught = teach(done.model, teacher, context, Lesson(epochs=epochs), name=f"prune-{number}")
            done = replace(done, model=taught.model)
    return _result(done, name)


@dataclass(frozen=True, kw_only=True)
class _Cut:
    """A pruned graph: the fraction of the cost that is left, and how many units are gone of how many."""

    model: ir.Model
    left: float
    gone: int
    of: int
    spelled: bool = False

    def __add__(self, later: "_Cut") -> "_Cut":
        spelled = self.spelled or later.spelled
        return replace(later, gone=self.gone + later.gone, of=self.gone + later.of, spelled=spelled)


def _reached(model: ir.Model, cutting: Callable[[ir.Model], _Cut]) -> _Cut:
    """Return the graph cut; where partial connections do not let it go so far, with these spelled out."""
    try:
        return cutting(model)
    except BelowFloorError:
        spelled = spell_connections(model)
        if spelled is None:
            raise
        return replace(cutting(spelled), spelled=True)


def _result(done: _Cut, name: str) -> Result:
    spelled = "; partial connections are spelled out, with zeros" if done.spelled else ""
    note = f"{done.gone} of {done.of} channels removed, {done.left:.1%} of the {_words(name)} kept{spelled}"
    return Result(model=done.model, matched=done.gone, note=note)


def _step(multiple: int, context: Context) -> ranking.Step:
    if multiple:
        return lambda _count: multiple
    return ranking.preferred(context.multiple if context.multiple > 1 else _KERNELS)


def _words(name: str) -> str:
    return name.replace("_", "-")


class _Plan:
    """How to prune, once settings are read."""

    def __init__(self, importance: str, floor: float, step: ranking.Step, context: Context) -> None:
        self._importance, self._floor = IMPORTANCES[importance], floor
        self._step, self._context = step, context

    def within(self, model: ir.Model, name: str, budget: float, whole: float) -> _Cut:
        """Return the graph cut to a budget; raise `BelowFloorError` where the floor does not let it."""
        found = trace(model)
        pools = find_pools(found)
        cost: Cost = _COSTS[name](found, pools)
        values, order = self._ordered(found, pools, cost)
        kept = ranking.meet(order, cost, budget)
        if kept is None:
            raise _below_floor(name, cost(order.kept(len(order.pools))) / whole)
        model = cut(found, ranking.mask_of(found, pools, values, kept))
        every = int(pools.counts.sum())
        return _Cut(model=model, left=cost(kept) / whole, gone=every - int(kept.sum()), of=every)

    def by_latency(self, model: ir.Model, fraction: float) -> _Cut:
        """Return the graph cut to a fraction of what it takes on the device."""
        measure = self._context.latency
        if measure is None:
            raise EdgeCnnError("prune(latency=...) needs a device; give a target whose latency is predicted")
        found = trace(model)
        pools = find_pools(found)
        values, order = self._ordered(found, pools, mult_add_cost(found, pools))
        whole, most = measure(model), len(order.pools)
        left: dict[int, float] = {}  # what was measured: a second time it would be another

        def pruned(taken: int) -> ir.Model:
            return cut(found, ranking.mask_of(found, pools, values, order.kept(taken)))

        def fits(taken: int) -> bool:
            left[taken] = measure(pruned(taken)) / whole
            return left[taken] <= fraction

        taken = ranking.first(most, fits)
        if taken is None:
            raise _below_floor("latency", left[most])
        gone, every = int(order.steps[:taken].sum()), int(pools.counts.sum())
        return _Cut(model=pruned(taken), left=left[taken], gone=gone, of=every)

    def _ordered(self, found: Dependencies, pools: Pools, cost: Cost) -> tuple[np.ndarray, ranking.Order]:
        values = self._importance(found, self._context)
        return values, ranking.order(pools, values, cost, floor=self._floor, step=self._step)


class BelowFloorError(EdgeCnnError):
    """A budget that the floor does not let a graph be cut to."""


def _below_floor(name: str, least: float) -> BelowFloorError:
    return BelowFloorError(
        f"the {_words(name)} cannot go below {least:.4f} of the whole, by this importance and floor;"
        f" give {name}={np.ceil(least * 1e4) / 1e4:g} or more, or a lower floor"
    )
