"""From the graph to its plan: each node is read once; what cannot be run is refused before anything runs."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import onnx_ir as ir

from edgecnn.errors import EdgeCnnError
from edgecnn.graph import shapes
from edgecnn.graph.check import check
from edgecnn.graph.constants import evaluate
from edgecnn.graph.nodes import attribute, constant, describe, output, static_shape
from edgecnn.graph.roles import STATISTIC
from edgecnn.trainable.operators import OPERATORS, Operator
from edgecnn.trainable.plan import Places, Plan, Step
from edgecnn.trainable.site import Facts, Site
from edgecnn.trainable.weights import Use, Weight, find_weights

# From 13 to 17 the operators' inputs mean the same; attributes that came anew are refused node by node.
_LEAST_OPSET, _GREATEST_OPSET = 13, 17
_FROZEN = "frozen"
_KEPT = frozenset({"QuantizeLinear", "DequantizeLinear"})  # their place in the graph is a decision
_SHAPELY = frozenset({"Shape", "Size"})
_COMPUTED_BEFORE = _SHAPELY | {"Constant", "ConstantOfShape", "Range"}  # what only constants decide


def make_plan(model: ir.Model, *, freeze_batch_norm: bool, train_scales: bool) -> Plan:
    """Return the plan of a canonical graph; raise `EdgeCnnError` naming the first node that cannot be run."""
    _check_readable(model)
    check(model)
    kept = model.clone()
    graph = _with_shapes(kept).graph
    weights = find_weights(graph, train_scales=train_scales)
    planning = _Planning(graph, weights, frozen=freeze_batch_norm)
    for position, node in enumerate(graph):
        planning.add(position, node)
    outputs = tuple(planning.output(value) for value in graph.outputs)
    return Plan(
        model=kept,
        inputs=tuple(static_shape(value) for value in graph.inputs),
        weights=tuple(weights),
        constants=planning.constants,
        steps=_with_ends(planning.steps, outputs, planning.first_computed, len(graph.inputs)),
        places=planning.places,
        outputs=outputs,
    )


def _check_readable(model: ir.Model) -> None:
    version = model.opset_imports.get("", 0)
    if not _LEAST_OPSET <= version <= _GREATEST_OPSET:
        raise EdgeCnnError(
            f"the graph is of opset {version or None}; edgecnn.graph.normalize brings it to {_LEAST_OPSET}"
        )
    for node in model.graph.all_nodes():
        if node.domain:
            raise EdgeCnnError(f"{describe(node)} is of domain {node.domain!r}, which cannot be trained")
        if node.op_type not in OPERATORS and node.op_type not in _COMPUTED_BEFORE:
            raise EdgeCnnError(f"{describe(node)}: the operator {node.op_type} cannot be trained")
        if node.op_type in OPERATORS:
            _check_attributes(node, OPERATORS[node.op_type])


def _with_shapes(model: ir.Model) -> ir.Model:
    """Return the model, or a clone of it with shapes where some are missing."""
    values = [
        value for node in model.graph for value in node.outputs if value.uses() or value.is_graph_output()
    ]
    known = all(value.shape is not None and value.shape.is_static() and value.dtype for value in values)
    return model if known else shapes.infer(model.clone())


class _Planning:
    """The plan under construction."""

    def __init__(self, graph: ir.Graph, weights: Sequence[Weight], *, frozen: bool) -> None:
        self.steps: list[Step] = []
        self.constants: dict[int, np.ndarray] = {}
        self.first_computed = self.places = len(graph.inputs) + len(weights)
        self._weights, self._frozen, self._inputs = weights, frozen, len(graph.inputs)
        self._uses = {use: number for number, weight in enumerate(weights) for use in weight.uses}
        self._facts = _first_facts(graph, self._uses)
        self._places = {id(value): place for place, value in enumerate(graph.inputs)}
        self._constant_places: dict[int, int] = {}

    def add(self, position: int, node: ir.Node) -> None:
        """Compute a node now if nothing that it reads changes; else append its step."""
        roles = self._roles(position, node)
        if not roles and self._computed(node):
            return
        operator = OPERATORS[node.op_type]
        site = Site(node, self._facts, roles)
        if site.batched():
            axis = operator.batch(site)
            self._facts.axes.update((id(value), axis) for value in node.outputs)
        function = operator.build(site)
        reads = [self._read(position, site, index) for index in site.arguments]
        reads += [self._constant(table) for table in site.tables]
        results = node.outputs if operator.spreads else node.outputs[:1]
        for value in results:
            self._places[id(value)] = self._new_place()
        step = Step(
            function=function,
            reads=tuple(reads),
            writes=tuple(self._places[id(value)] for value in results),
            frees=(),
            by_mode=site.by_mode,
            spreads=operator.spreads,
        )
        self.steps.append(step)

    def output(self, value: ir.Value) -> int:
        """Return the place of a graph output, whose first axis has to be that of the images."""
        axis = self._facts.axes.get(id(value))
        if axis:
            raise EdgeCnnError(
                f"output {value.name!r} has the images along axis {axis}; it must be the first"
            )
        for number, weight in enumerate(self._weights):
            if value.name in weight.initializers:
                return self._inputs + number
        if id(value) in self._places:
            return self._places[id(value)]
        return self._constant(self._facts.known[id(value)])

    def _roles(self, position: int, node: ir.Node) -> dict[int, str]:
        """Return the roles of the inputs that are weights."""
        uses = [(index, self._uses.get((position, index))) for index in range(len(node.inputs))]
        roles = {index: self._weights[number].role for index, number in uses if number is not None}
        hidden = {index: _FROZEN for index, role in roles.items() if role == STATISTIC and self._frozen}
        return roles | hidden

    def _computed(self, node: ir.Node) -> bool:
        """Compute a node whose inputs are all known; tell whether that was so."""
        facts, inputs = self._facts, [value for value in node.inputs if value is not None]
        if node.op_type in _KEPT or len(node.outputs) != 1:
            return False
        if node.op_type in _SHAPELY:
            content = _of_shape(node)
        elif all(id(value) in facts.known for value in inputs):
            content = evaluate(node, {value.name or "": facts.known[id(value)] for value in inputs})
        else:
            return False
        facts.known[id(output(node))] = content
        if node.op_type in _SHAPELY or any(id(value) in facts.shapely for value in inputs):
            facts.shapely.add(id(output(node)))
        return True

    def _read(self, position: int, site: Site, index: int) -> int:
        """Return the place of an input that the function takes."""
        number = self._uses.get((position, index))
        if number is not None:
            return self._inputs + number
        value = site.value(index)
        if id(value) not in self._facts.known:
            return self._places[id(value)]
        if id(value) in self._facts.shapely:
            raise site.refuse(
                f"computes with {value.name!r}, which comes from a shape and may count the images"
            )
        if id(value) not in self._constant_places:
            self._constant_places[id(value)] = self._constant(self._facts.known[id(value)])
        return self._constant_places[id(value)]

    def _constant(self, array: np.ndarray) -> int:
        place = self._new_place()
        self.constants[place] = array
        return place

    def _new_place(self) -> int:
        self.places += 1
        return self.places - 1


def _first_facts(graph: ir.Graph, uses: Mapping[Use, int]) -> Facts:
    """Return what is known before the first node: the images, and the initializers that are not trained."""
    counts = {static_shape(value)[:1] for value in graph.inputs}
    if len(counts) != 1 or counts == {()}:
        shapes_ = ", ".join(f"{value.name}: {value.shape}" for value in graph.inputs) or "none"
        raise EdgeCnnError(f"the graph's inputs must have the same number of images, not {shapes_}")
    ((batch,),) = counts
    facts = Facts(batch=batch, axes={id(value): 0 for value in graph.inputs})
    positions = {id(node): position for position, node in enumerate(graph)}
    for name, value in graph.initializers.items():
        if all((positions[id(use.node)], use.idx) in uses for use in value.uses()) and value.uses():
            continue
        content = constant(value)
        if content is None:
            raise EdgeCnnError(f"initializer {name!r} has no content; open the network with its weights")
        facts.known[id(value)] = content
    return facts


def _check_attributes(node: ir.Node, operator: Operator) -> None:
    unknown = sorted(set(node.attributes) - operator.attributes)
    if unknown:
        raise EdgeCnnError(f"{describe(node)} has the attribute {unknown[0]!r}, which is not supported")
    extra = node.outputs[1:] if not operator.spreads else []
    if any(value.uses() or value.is_graph_output() for value in extra):
        raise EdgeCnnError(f"{describe(node)} has a second output that is used; only the first is supported")


def _of_shape(node: ir.Node) -> np.ndarray:
    value = node.inputs[0]
    assert value is not None
    sizes = np.asarray(static_shape(value), np.int64)
    if node.op_type == "Size":
        return np.asarray(sizes.prod())
    return sizes[attribute(node, "start", 0) : attribute(node, "end", None)]


def _with_ends(steps: Sequence[Step], outputs: Places, first_computed: int, inputs: int) -> tuple[Step, ...]:
    """Note at each step which tensors nothing reads afterwards, so that they need not be kept."""
    kept = set(outputs)
    ended = []
    for step in reversed(steps):
        touched = dict.fromkeys((*step.reads, *step.writes))
        frees = [p for p in touched if p not in kept and (p >= first_computed or p < inputs)]
        kept.update(frees)
        ended.append(replace(step, frees=tuple(frees)))
    return tuple(reversed(ended))
