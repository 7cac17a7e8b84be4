"""In which order units go, and how far: the shortest row of removals that meets a budget.

Importance is divided by the mean of its pool, which makes layers comparable (DepGraph, Fang et al. 2023,
arXiv:2301.12900). Units go in steps of the device's multiple, the least important
first; what would take an axis below its floor is passed over.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from edgecnn.quantize.dependency import Dependencies
from edgecnn.quantize.dependency.pools import Cost, Pools

_TRIES = 200  # at filling what the last removal left over


@dataclass(frozen=True, kw_only=True)
class Order:
    """Removals, the first to go first.

    Attributes:
        pools: which pool each takes from.
        steps: how many units it takes.
        counts: how many units each pool has.
    """

    pools: np.ndarray
    steps: np.ndarray
    counts: np.ndarray

    def kept(self, taken: int) -> np.ndarray:
        """Return how many units each pool keeps after so many removals."""
        gone = np.bincount(self.pools[:taken], self.steps[:taken], len(self.counts))
        return np.asarray(self.counts - gone.astype(np.int64))


def sorted_units(pools: Pools, importance: np.ndarray) -> list[np.ndarray]:
    """Return the units of each pool, the least important first."""
    return [units[np.argsort(importance[units], kind="stable")] for units in pools.units]


def mask_of(found: Dependencies, pools: Pools, importance: np.ndarray, kept: np.ndarray) -> np.ndarray:
    """Return which units stay, by label, when each pool keeps so many of its most important."""
    mask = np.ones(found.units + 1, bool)
    for units, count in zip(sorted_units(pools, importance), kept, strict=True):
        mask[units[: len(units) - count]] = False
    return mask


def order(pools: Pools, importance: np.ndarray, *, floor: float, multiple: int) -> Order:
    """Return every removal that the floor allows, by rising importance."""
    chunks = _chunks(pools, importance, multiple)
    sizes = pools.sizes(pools.counts)
    least = np.maximum(1, np.ceil(floor * sizes - 1e-9)).astype(np.int64)
    touched = [np.flatnonzero(column) for column in pools.places.T]
    taken: list[tuple[int, int]] = []
    full: set[int] = set()
    for _, pool, step in chunks:
        axes = touched[pool]
        after = sizes[axes] - pools.places[axes, pool] * step
        if pool in full or (after < least[axes]).any():
            full.add(pool)  # the pool's more important ones stay as well
            continue
        sizes[axes] = after
        taken.append((pool, step))
    array = np.array(taken, np.int64).reshape(-1, 2)
    return Order(pools=array[:, 0], steps=array[:, 1], counts=pools.counts)


def _chunks(pools: Pools, importance: np.ndarray, multiple: int) -> list[tuple[float, int, int]]:
    """Return (importance, pool, number of units), sorted; what is left of a pool is a multiple."""
    found = []
    for pool, units in enumerate(sorted_units(pools, importance)):
        values = importance[units]
        values = values / (values.mean() or 1.0)
        start = 0
        while start < len(units):
            step = (len(units) - start) % multiple or multiple
            found.append((float(values[start : start + step].mean()), pool, step))
            start += step
    return sorted(found, key=lambda chunk: chunk[0])


def meet(order: Order, cost: Cost, budget: float) -> np.ndarray | None:
    """Return how many units each pool keeps at a cost of at most the budget; None where it cannot be."""
    taken = first(len(order.pools), lambda count: cost(order.kept(count)) <= budget)
    if taken is None:
        return None
    return _filled(order, taken, cost, budget)


def first(most: int, holds: Callable[[int], bool]) -> int | None:
    """Return the least number up to `most` for which a rising condition holds."""
    if not holds(most):
        return None
    low, high = -1, most
    while high - low > 1:
        middle = (low + high) // 2
        if holds(middle):
            high = middle
        else:
            low = middle
    return high


def _filled(order: Order, taken: int, cost: Cost, budget: float) -> np.ndarray:
    """Take back, the most important first, what still fits: the last removal may have been a large one."""
    kept, closed = order.kept(taken), set[int]()
    for place in range(taken - 1, max(taken - 1 - _TRIES, -1), -1):
        pool = int(order.pools[place])
        if pool in closed:
            continue
        more = kept.copy()
        more[pool] += order.steps[place]
        if cost(more) <= budget:
            kept = more
        else:
            closed.add(pool)
    return kept
