"""Uniform slimming: every layer keeps the same fraction of its channels, the most important ones.

    c → make_divisible(α c)        α the width multiplier of Howard et al. 2017, arXiv:1704.04861

before: a graph; after: the same operators at the width α. A network of the zoo gets exactly the shapes that
the zoo gives it at that width; of any other graph each group of channels is rounded as MobileNet's are.
"""

from collections import defaultdict
from collections.abc import Mapping

import numpy as np
import onnx_ir as ir

from edgecnn.calls import Value
from edgecnn.errors import EdgeCnnError
from edgecnn.graph.nodes import static_shape
from edgecnn.graph.roles import CONSTANT, role
from edgecnn.quantize.budget import fitted
from edgecnn.quantize.context import Context
from edgecnn.quantize.dependency import Dependencies, trace
from edgecnn.quantize.dependency.pools import Pools, find_pools
from edgecnn.quantize.dependency.settle import settle_shapes
from edgecnn.quantize.importance import IMPORTANCES, check_ranked
from edgecnn.quantize.passes import Result, compression_pass
from edgecnn.quantize.ranking import mask_of

_DIVISOR = 8


def _check(settings: Mapping[str, Value]) -> None:
    if not 0 < float(settings["multiplier"]) <= 1:
        raise EdgeCnnError(
            f"width({settings['multiplier']}) is no fraction to keep; give more than 0, at most 1"
        )
    check_ranked(settings)


@compression_pass(lossless=False, uses=("images",), check=_check)
def width(
    model: ir.Model,
    *,
    multiplier: float = 0.5,
    importance: str = "l2",
    pictures: int = 1024,
    context: Context | None = None,
) -> Result:
    """Keep the most important channels of each layer, as many as at that width: loses accuracy.

    Args:
        model: a float graph.
        multiplier: the fraction of every layer's channels that is kept.
        importance: `l1`, `l2`, `gamma` or `taylor`.
        pictures: that the layers which are left are fitted to, where the context brings any; 0 fits nothing.
        context: brings pictures, and the shapes of a network of the zoo at a smaller width.
    """
    context = context or Context()
    if multiplier == 1:
        return Result(model=model.clone(), matched=0, note="every channel may stay: nothing is removed")
    found = trace(settle_shapes(model))
    pools = find_pools(found)
    reference = None if context.narrower is None else context.narrower(multiplier)
    kept = _as_foreign(pools, multiplier) if reference is None else _as_zoo(found, pools, reference)
    mask = mask_of(found, pools, IMPORTANCES[importance](found, context), kept)
    slim, notes = fitted(found, mask, context, pictures)
    gone = int((pools.counts - kept).sum())
    note = f"{gone} of {pools.counts.sum()} channels removed"
    return Result(model=slim, matched=gone, note="; ".join([note, *notes]))


def _as_foreign(pools: Pools, multiplier: float) -> np.ndarray:
    from edgecnn.models.architecture import make_divisible

    wanted = [multiplier * int(count) for count in pools.counts]
    rounded = [make_divisible(count, _DIVISOR if count >= _DIVISOR else 1) for count in wanted]
    return np.asarray(np.minimum(rounded, pools.counts))


def _as_zoo(found: Dependencies, pools: Pools, reference: ir.Model) -> np.ndarray:
    """Return how many units of each pool give the weights the shapes that the reference's have."""
    wanted: dict[int, int] = {}
    for name, value in found.model.graph.initializers.items():
        if role(value) == CONSTANT:
            continue
        like = reference.graph.initializers.get(name)
        if like is None or len(static_shape(like)) != len(static_shape(value)):
            raise EdgeCnnError(
                f"the zoo's network has no weight {name!r} of as many axes; slim before other passes"
            )
        for labels, size in zip(found.axes.get(name, ()), static_shape(like), strict=False):
            number = pools.axis_of.get(labels.tobytes())
            if number is not None:
                wanted[number] = size
    kept = _solved(pools, wanted)
    sizes = pools.sizes(kept)
    wrong = [number for number, size in wanted.items() if sizes[number] != size]
    if wrong or (kept > pools.counts).any() or (kept < 0).any():
        raise EdgeCnnError(
            "the graph cannot be given the shapes of the zoo's network at that width; give prune"
        )
    return kept


def _solved(pools: Pools, wanted: Mapping[int, int]) -> np.ndarray:
    """Solve the axes one by one, those with the fewest open pools first; several share in proportion."""
    kept = np.full(len(pools.counts), -1, np.int64)
    members = {number: np.flatnonzero(pools.places[number]) for number in wanted}
    waiting: dict[int, set[int]] = defaultdict(set)
    for number, each in members.items():
        for pool in each.tolist():
            waiting[pool].add(number)
    open_ = {number: set(each.tolist()) for number, each in members.items()}
    while any(open_.values()):
        number = min((each for each in open_ if open_[each]), key=lambda each: len(open_[each]))
        todo = sorted(open_[number])
        known = [pool for pool in members[number].tolist() if kept[pool] >= 0]
        places = pools.places[number]
        rest = wanted[number] - int(pools.fixed[number]) - int((places[known] * kept[known]).sum())
        total = int((places[todo] * pools.counts[todo]).sum())
        for pool in todo:
            share = rest * int(pools.counts[pool]) // total if total else 0
            kept[pool] = min(share, int(pools.counts[pool]))
            rest -= int(places[pool] * kept[pool])
            total -= int(places[pool] * pools.counts[pool])
            for other in waiting[pool]:
                open_[other].discard(pool)
    return np.where(kept < 0, pools.counts, kept)
