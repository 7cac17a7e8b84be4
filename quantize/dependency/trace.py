"""Following the channels of a graph from its input to its output, once, node by node."""

from dataclasses import dataclass

import numpy as np
import onnx_ir as ir

from edgecnn.errors import EdgeCnnError
from edgecnn.graph.nodes import describe, static_shape
from edgecnn.quantize.dependency.rules import RULES
from edgecnn.quantize.dependency.site import FIXED, Labels, Site, Tracing, fixed
from edgecnn.quantize.groups import Groups


@dataclass(frozen=True, kw_only=True)
class Dependencies:
    """The labels of a graph, with ties solved: indices of equal label go together, `FIXED` ones never go.

    Attributes:
        model: the graph, which is not changed.
        axes: by the name of each value, an array of labels for each of its axes.
        blocks: labels that are counted apart: what a Pad adds on one side.
        units: how many labels there are, `FIXED` apart: they are 1, 2, ...
    """

    model: ir.Model
    axes: dict[str, tuple[Labels, ...]]
    blocks: tuple[Labels, ...]
    units: int


def trace(model: ir.Model) -> Dependencies:
    """Return what depends on what; raise `EdgeCnnError` naming the first node that has no rule."""
    tracing = Tracing()
    for value in model.graph.inputs:
        tracing.axes[id(value)] = [fixed(size) for size in static_shape(value)]
    for node in model.graph:
        if node.domain or node.op_type not in RULES:
            raise EdgeCnnError(
                f"{describe(node)}: there is no rule for which of its channels depend on each other"
            )
        RULES[node.op_type].trace(Site(node, tracing))
    _keep_outputs(model, tracing)
    return _solved(model, tracing)


def _keep_outputs(model: ir.Model, tracing: Tracing) -> None:
    for value in model.graph.outputs:
        for labels in tracing.axes.get(id(value), ()):
            if labels is not None:
                tracing.tie(labels, FIXED)


def _solved(model: ir.Model, tracing: Tracing) -> Dependencies:
    groups = Groups[int]()
    touched: set[int] = {FIXED}
    for one, other in tracing.ties:
        touched.update(one.tolist(), other.tolist())
        for left, right in zip(one.tolist(), other.tolist(), strict=True):
            groups.join(left, right)
    names = np.arange(tracing.count)
    for label in touched:
        names[label] = groups.find(label)
    values = [value for node in model.graph for value in (*node.inputs, *node.outputs)]
    known = {
        str(value.name): tuple(
            fixed(size) if labels is None else names[labels]
            for labels, size in zip(tracing.axes[id(value)], static_shape(value), strict=True)
        )
        for value in (*model.graph.inputs, *values)
        if value is not None and id(value) in tracing.axes
    }
    return _numbered(model, known, [names[labels] for labels in tracing.blocks], int(names[FIXED]))


def _numbered(
    model: ir.Model, axes: dict[str, tuple[Labels, ...]], blocks: list[Labels], never: int
) -> Dependencies:
    """Give the labels that are left numbers in the order of the graph."""
    everything = [labels for each in axes.values() for labels in each]
    used, first = np.unique(np.concatenate([np.array([never]), *everything]), return_index=True)
    order = used[np.argsort(first, kind="stable")]  # that which is never cut is first
    table = np.zeros(int(used.max()) + 1, np.int64)
    table[order] = np.arange(len(order))
    return Dependencies(
        model=model,
        axes={name: tuple(table[labels] for labels in each) for name, each in axes.items()},
        blocks=tuple(table[labels] for labels in blocks if len(labels)),
        units=len(order) - 1,
    )
