"""Cutting a graph until it costs no more than a budget, and fitting what is left."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import onnx_ir as ir

from edgecnn import units
from edgecnn.errors import EdgeCnnError
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
from edgecnn.quantize.importance import Importance
from edgecnn.quantize.reconstruct import reconstruct

COSTS = {"mult_adds": mult_add_cost, "parameters": parameter_cost, "bytes": byte_cost}
_SPELLED = "partial connections are spelled out, with zeros"


class BelowFloorError(EdgeCnnError):
    """A budget that the floor does not let a graph be cut to."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How a graph is cut.

    Attributes:
        importance: of a unit.
        floor: the fraction that every axis keeps at the least.
        step: how many units of a pool go at once.
        pictures: that the layers which are left are fitted to.
    """

    importance: Importance
    floor: float
    step: ranking.Step
    pictures: int


@dataclass(frozen=True, kw_only=True)
class Budget:
    """The most that a graph may cost, one of `COSTS`, and what the whole one does."""

    name: str
    most: float
    whole: float


@dataclass(frozen=True, kw_only=True)
class Cut:
    """A cut graph.

    Attributes:
        model: what is left.
        left: the fraction of the cost that is left.
        gone: how many units are.
        of: how many there were.
        notes: what else was done to it.
    """

    model: ir.Model
    left: float = 1.0
    gone: int = 0
    of: int = 0
    notes: tuple[str, ...] = ()

    def __add__(self, later: "Cut") -> "Cut":
        notes = tuple(dict.fromkeys((*self.notes, *later.notes)))
        return replace(later, gone=self.gone + later.gone, of=self.gone + later.of, notes=notes)


@dataclass(frozen=True, kw_only=True)
class _Ordered:
    """A graph's units in the order in which they go."""

    found: Dependencies
    pools: Pools
    cost: Cost
    values: np.ndarray
    order: ranking.Order

    def mask(self, kept: np.ndarray) -> np.ndarray:
        """Return which units stay, by label, when each pool keeps so many."""
        return ranking.mask_of(self.found, self.pools, self.values, kept)


def cost_of(model: ir.Model, name: str) -> float:
    """Return what a whole graph costs."""
    found = trace(model)
    pools = find_pools(found)
    return COSTS[name](found, pools)(pools.counts)


def to_budget(model: ir.Model, plan: Plan, budget: Budget, context: Context) -> Cut:
    """Return the graph cut to a budget; raise `BelowFloorError` where the floor does not let it."""

    def cutting(model: ir.Model) -> Cut:
        known = _ordered(model, plan, budget.name, context)
        kept = ranking.meet(known.order, known.cost, budget.most)
        if kept is None:
            least = known.cost(known.order.kept(len(known.order.pools)))
            raise _below_floor(budget.name, least / budget.whole)
        return _cut(known, kept, known.cost(kept) / budget.whole, plan, context)

    return _spelled_if_needed(model, cutting)


def to_latency(model: ir.Model, plan: Plan, fraction: float, context: Context) -> Cut:
    """Return the graph cut to a fraction of what it takes on the device, as the context measures it."""
    measure = context.latency
    if measure is None:
        raise EdgeCnnError("prune(latency=...) needs a device; give a target whose latency is predicted")

    def cutting(model: ir.Model) -> Cut:
        known, whole = _ordered(model, plan, "mult_adds", context), measure(model)
        most = len(known.order.pools)
        left: dict[int, float] = {}  # what was measured: a second time it would be another

        def fits(taken: int) -> bool:
            left[taken] = measure(cut(known.found, known.mask(known.order.kept(taken)))) / whole
            return left[taken] <= fraction

        taken = ranking.first(most, fits)
        if taken is None:
            raise _below_floor("latency", left[most])
        return _cut(known, known.order.kept(taken), left[taken], plan, context)

    return _spelled_if_needed(model, cutting)


def words(name: str) -> str:
    """Return a budget as it is said."""
    return name.replace("_", "-")


def fitted(
    found: Dependencies, kept: np.ndarray, context: Context, pictures: int
) -> tuple[ir.Model, tuple[str, ...]]:
    """Return the graph cut to the units that are kept, its layers fitted to pictures, and what was done.

    Args:
        found: of the graph.
        kept: booleans (units + 1,), by label.
        context: brings pictures, or none: then nothing is fitted.
        pictures: at most so many.
    """
    small = cut(found, kept)
    if not pictures:
        return small, ()
    if context.samples is None:
        return small, ("no pictures to fit what is left to",)
    done = reconstruct(small, found.model, lambda name: kept[found.axes[name][1]], context, pictures)
    return done.model, (
        f"{units.several(done.layers, 'layer')} fitted to {units.several(done.pictures, 'picture')}",
    )


def _ordered(model: ir.Model, plan: Plan, name: str, context: Context) -> _Ordered:
    found = trace(model)
    pools = find_pools(found)
    cost, values = COSTS[name](found, pools), plan.importance(found, context)
    order = ranking.order(pools, values, cost, floor=plan.floor, step=plan.step)
    return _Ordered(found=found, pools=pools, cost=cost, values=values, order=order)


def _cut(known: _Ordered, kept: np.ndarray, left: float, plan: Plan, context: Context) -> Cut:
    model, notes = fitted(known.found, known.mask(kept), context, plan.pictures)
    every = int(known.pools.counts.sum())
    return Cut(model=model, left=left, gone=every - int(kept.sum()), of=every, notes=notes)


def _spelled_if_needed(model: ir.Model, cutting: Callable[[ir.Model], Cut]) -> Cut:
    """Return the graph cut; where partial connections do not let it go so far, with these spelled out."""
    try:
        return cutting(model)
    except BelowFloorError:
        spelled = spell_connections(model)
        if spelled is None:
            raise
        done = cutting(spelled)
        return replace(done, notes=(*done.notes, _SPELLED))


def _below_floor(name: str, least: float) -> BelowFloorError:
    return BelowFloorError(
        f"the {words(name)} cannot go below {least:.4f} of the whole, by this importance and floor;"
        f" give {name}={np.ceil(least * 1e4) / 1e4:g} or more, or a lower floor"
    )
