"""Units that cost the same, and what a graph costs as a function of how many of each are kept.

    size(axis) = fixed + Σ_p places(axis, p) kept(p)
    cost = Σ_terms full Π_axes size(axis) / size_0(axis)

Two units of one pool stand in the same axes, equally often: which of them goes makes no difference to costs.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import onnx_ir as ir

from edgecnn.graph import roles
from edgecnn.graph.liveness import nbytes
from edgecnn.graph.nodes import attribute, output, static_shape
from edgecnn.profile.mult_adds import mult_adds
from edgecnn.quantize.dependency.site import FIXED
from edgecnn.quantize.dependency.trace import Dependencies


@dataclass(frozen=True, kw_only=True)
class Pools:
    """The pools of a graph.

    Attributes:
        units: the labels of each pool's units.
        places: (axes, pools), how many places one unit of a pool takes on an axis.
        fixed: (axes,), the places that are never cut.
        layers: (pools,), in how many layers' weights a unit stands, as their input or their output.
        axis_of: the number of an axis, by its labels' bytes.
    """

    units: tuple[np.ndarray, ...]
    places: np.ndarray
    fixed: np.ndarray
    layers: np.ndarray
    axis_of: dict[bytes, int]

    @property
    def counts(self) -> np.ndarray:
        """Return how many units each pool has."""
        return np.array([len(units) for units in self.units], np.int64)

    def sizes(self, kept: np.ndarray) -> np.ndarray:
        """Return the size of every axis when so many units of each pool are kept."""
        return np.asarray(self.fixed + self.places @ kept)


def find_pools(found: Dependencies) -> Pools:
    """Return the pools of a graph, in its order."""
    every = [labels for each in found.axes.values() for labels in each]
    lines = {labels.tobytes(): labels for labels in [*every, *found.blocks] if (labels != FIXED).any()}
    stands: dict[int, list[tuple[int, int]]] = defaultdict(list)
    fixed = np.zeros(len(lines), np.int64)
    for number, labels in enumerate(lines.values()):
        units, times = np.unique(labels, return_counts=True)
        for unit, count in zip(units.tolist(), times.tolist(), strict=True):
            if unit == FIXED:
                fixed[number] = count
            else:
                stands[unit].append((number, count))
    pools: dict[tuple[tuple[int, int], ...], list[int]] = defaultdict(list)
    for unit in sorted(stands):
        pools[tuple(stands[unit])].append(unit)
    places = np.zeros((len(lines), len(pools)), np.int64)
    for pool, signature in enumerate(pools):
        for axis, count in signature:
            places[axis, pool] = count
    in_layers = _in_layers(found)
    return Pools(
        units=tuple(np.array(units) for units in pools.values()),
        layers=np.array([in_layers[units[0]] for units in pools.values()], np.int64),
        places=places,
        fixed=fixed,
        axis_of={key: number for number, key in enumerate(lines)},
    )


def _in_layers(found: Dependencies) -> np.ndarray:
    """Return for each label in how many axes of layers' weights it stands."""
    count = np.zeros(found.units + 1, np.int64)
    for name, value in found.model.graph.initializers.items():
        if roles.role(value) == roles.PARAMETER and len(static_shape(value)) > 1:
            for labels in found.axes.get(name, ()):
                count[np.unique(labels)] += 1
    return count


Cost = Callable[[np.ndarray], float]  # of the number of units kept in each pool
_Term = tuple[float, list[int]]

# Along which axes of which values a layer's mult-adds grow: -1 is the output, else the number of an input.
_GROWS: dict[str, Callable[[ir.Node], list[tuple[int, int]]]] = {
    "Conv": lambda _node: [(-1, 1), (1, 1)],
    "ConvTranspose": lambda _node: [(0, 1), (1, 1)],
    "Gemm": lambda node: [(-1, 0), (-1, 1), (1, 1 if attribute(node, "transB", 0) else 0)],
    "MatMul": lambda node: [
        *((-1, axis) for axis in range(len(static_shape(output(node))))),
        (0, len(static_shape(node.inputs[0])) - 1),  # type: ignore[arg-type]
    ],
}


def mult_add_cost(found: Dependencies, pools: Pools) -> Cost:
    """Return the mult-adds as a function of what is kept: exactly the profile's."""
    terms: list[_Term] = []
    for node in found.model.graph:
        full = mult_adds(node)
        if not full:
            continue
        grown = [
            (output(node) if at < 0 else node.inputs[at], axis) for at, axis in _GROWS[node.op_type](node)
        ]
        terms.append((full, _axes(found, pools, grown)))
    return _product(pools, terms)


def parameter_cost(found: Dependencies, pools: Pools) -> Cost:
    """Return the parameters as a function of what is kept."""
    values = [
        value for value in found.model.graph.initializers.values() if roles.role(value) == roles.PARAMETER
    ]
    return _of_initializers(found, pools, values, lambda value: float(np.prod(static_shape(value))))


def byte_cost(found: Dependencies, pools: Pools) -> Cost:
    """Return the bytes of all weights as a function of what is kept."""
    return _of_initializers(found, pools, found.model.graph.initializers.values(), lambda v: float(nbytes(v)))


def _of_initializers(
    found: Dependencies, pools: Pools, values: Iterable[ir.Value], full: Callable[[ir.Value], float]
) -> Cost:
    terms = [
        (full(value), _axes(found, pools, [(value, axis) for axis in range(len(static_shape(value)))]))
        for value in values
    ]
    return _product(pools, terms)


def _axes(found: Dependencies, pools: Pools, grown: Sequence[tuple[ir.Value | None, int]]) -> list[int]:
    numbers = []
    for value, axis in grown:
        labels = found.axes.get("" if value is None else str(value.name))
        number = None if labels is None else pools.axis_of.get(labels[axis].tobytes())
        if number is not None:
            numbers.append(number)
    return numbers


def _product(pools: Pools, terms: Sequence[_Term]) -> Cost:
    one = len(pools.fixed)  # an axis of a size that never changes
    most = max((len(axes) for _, axes in terms), default=0)
    index = np.array([axes + [one] * (most - len(axes)) for _, axes in terms], np.intp).reshape(-1, most)
    full = np.array([each for each, _ in terms])
    before = np.append(pools.sizes(pools.counts), 1).astype(np.float64)

    def cost(kept: np.ndarray) -> float:
        share = np.append(pools.sizes(kept), 1) / before
        return float((full * share[index].prod(axis=1)).sum())

    return cost
