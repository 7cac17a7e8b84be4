"""`Weight`: a tensor of the module, and where it stands in the graph."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import onnx_ir as ir

from edgecnn.errors import EdgeCnnError
from edgecnn.graph import roles
from edgecnn.graph.nodes import constant, describe

SCALE = "scale"

Use = tuple[int, int]  # the node's position in the graph, the input's in the node

_SCALE_INPUTS = {"QuantizeLinear": 1, "DequantizeLinear": 1}
_NORM_PARAMETERS = {1, 2}


@dataclass(frozen=True, kw_only=True)
class Weight:
    """A parameter or statistic.

    Attributes:
        name: the initializer that it is first read from.
        role: parameter, statistic or scale.
        initializers: all that are to have its value; several where equal scales are tied.
        uses: who reads it.
    """

    name: str
    role: str
    initializers: tuple[str, ...]
    uses: frozenset[Use]

    def of_batch_norm(self, nodes: Sequence[ir.Node]) -> bool:
        """Tell whether it is the scale or shift of BatchNorms, and nothing else."""
        return bool(self.uses) and all(
            nodes[position].op_type == "BatchNormalization" and index in _NORM_PARAMETERS
            for position, index in self.uses
        )


def find_weights(graph: ir.Graph, *, train_scales: bool) -> list[Weight]:
    """Return what the graph's initializers are to training; one initializer may be several weights.

    Exporters write equal initializers once, so what reads one decides: a BatchNorm's mean that is at the same
    time another's shift becomes a statistic and a parameter.
    """
    nodes = list(graph)
    positions = {id(node): position for position, node in enumerate(nodes)}
    found = []
    for name, value in graph.initializers.items():
        groups: dict[tuple[str, int], set[Use]] = defaultdict(set)
        for use in value.uses():
            position = positions[id(use.node)]
            role = _role(value, use.node, use.idx, train_scales)
            groups[_group(value, role, position)].add((position, use.idx))
        if not groups and value.is_graph_output():
            groups[roles.role(value), 0] = set()
        found += [
            Weight(name=name, role=role, initializers=(name,), uses=frozenset(uses))
            for (role, _), uses in sorted(groups.items())
            if role != roles.CONSTANT
        ]
    return _tied(found, nodes) if train_scales else found


def _role(value: ir.Value, node: ir.Node, index: int, train_scales: bool) -> str:
    if _SCALE_INPUTS.get(node.op_type) == index:
        return SCALE if train_scales else roles.CONSTANT
    return roles.role_of_use(value, node, index)


def _group(value: ir.Value, role: str, position: int) -> tuple[str, int]:
    """Name the weight of a use; each BatchNorm of a foreign graph keeps statistics of its own."""
    apart = role == roles.STATISTIC and not roles.is_noted(value)
    return role, position if apart else 0


def _tied(weights: Iterable[Weight], nodes: Sequence[ir.Node]) -> list[Weight]:
    """Join the scales of each QuantizeLinear and of the DequantizeLinear behind it, which are one number.

    So are single scales with equal zero points that are equal: what a kernel only moves, such as the inputs
    and the output of a Concat, has to stay on one grid.
    """
    kept = [weight for weight in weights if weight.role != SCALE]
    scales = {weight.name: weight for weight in weights if weight.role == SCALE}
    for node in nodes:
        source = node.inputs[0].producer() if node.op_type == "DequantizeLinear" and node.inputs[0] else None
        if source is None or source.op_type != "QuantizeLinear":
            continue
        pair = [
            next((s for s in scales.values() if _name(each) in s.initializers), None)
            for each in (source, node)
        ]
        first, second = pair
        if first is second:
            continue
        if first is None or second is None or not _equal(source, node):
            raise EdgeCnnError(
                f"{describe(source)} and {describe(node)} have different scales, not to be trained as one"
            )
        del scales[second.name]
        scales[first.name] = _joined(first, second)
    return kept + _of_one_grid(scales.values(), nodes)


def _of_one_grid(scales: Iterable[Weight], nodes: Sequence[ir.Node]) -> list[Weight]:
    """Join the scales of one number that have the same value and the same zero points."""
    found: dict[object, Weight] = {}
    for scale in scales:
        grids = {_grid(nodes[position]) for position, _ in scale.uses}
        key = grids.pop() if len(grids) == 1 and None not in grids else scale.name
        found[key] = _joined(found[key], scale) if key in found else scale
    return list(found.values())


def _grid(node: ir.Node) -> tuple[bytes, bytes, int] | None:
    """Return scale and zero point of a node that has one of each; None for one with several."""
    scale = constant(node.inputs[1])
    zero = constant(node.inputs[2]) if len(node.inputs) > 2 else None
    if scale is None or scale.size != 1:
        return None
    return scale.tobytes(), b"" if zero is None else zero.tobytes(), scale.ndim


def _joined(first: Weight, second: Weight) -> Weight:
    return Weight(
        name=first.name,
        role=SCALE,
        initializers=first.initializers + second.initializers,
        uses=first.uses | second.uses,
    )


def _name(node: ir.Node) -> str | None:
    value = node.inputs[1]
    return None if value is None else value.name


def _equal(*nodes: ir.Node) -> bool:
    first, second = (constant(node.inputs[1]) for node in nodes)
    return first is not None and second is not None and first.tobytes() == second.tobytes()
