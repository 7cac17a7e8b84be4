"""A graph cut before each of its layers, so that it can be run layer by layer over many pictures at once.

Between two layers lives a set of values: what has been computed and is still to be read. A value behind a
QuantizeLinear → DequantizeLinear pair is kept as its int8 numbers, a quarter of the bytes.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import onnx_ir as ir

from edgecnn.graph.liveness import nbytes, weights
from edgecnn.graph.nodes import output, static_shape
from edgecnn.quantize.channels import LAYERS
from edgecnn.quantize.context import Context
from edgecnn.quantize.pictures import parts_of
from edgecnn.runtime.piece_runner import PieceRunner

_CACHE_BYTES = 256 * 2**20
_LEAST_PARTS = 8  # so many runs of the graph, whatever they take

Held = dict[str, list[np.ndarray]]


@dataclass(frozen=True, kw_only=True)
class Stage:
    """From one cut to the next.

    Attributes:
        layer: the node that the next cut stands before.
        given: names of the values that live at the cut before and are read here.
        kept: names of the values that live at the cut before `layer` and are computed here.
        alive: names of all that live at the cut before `layer`.
    """

    layer: ir.Node
    given: tuple[str, ...]
    kept: tuple[str, ...]
    alive: tuple[str, ...]


def cut(model: ir.Model) -> list[Stage]:
    """Return the stages of a graph, one for each layer, in execution order.

    A stage begins with the layer that the stage before ended at, and so sees what has been done to it since.
    """
    constants = weights(model.graph)
    nodes = [node for node in model.graph if id(output(node)) not in constants]
    step = {id(value): place for place, node in enumerate(nodes) for value in node.outputs}
    step |= {id(value): -1 for value in model.graph.inputs}
    readers = [(source, place) for place, node in enumerate(nodes) for source in _sources(node, step)]
    stages: list[Stage] = []
    before: list[ir.Value] = list(model.graph.inputs)
    last = 0
    for place in [place for place, node in enumerate(nodes) if node.op_type in LAYERS]:
        alive = _distinct(source for source, used in readers if used >= place > step[id(source)])
        read = {id(source) for source, used in readers if last <= used <= place}
        given = [value for value in before if id(value) in read]
        held = {id(value) for value in before}
        stages.append(
            Stage(
                layer=nodes[place],
                given=_names(given),
                kept=_names([value for value in alive if id(value) not in held]),
                alive=_names(alive),
            )
        )
        before, last = alive, place
    return stages


def run(model: ir.Model, stage: Stage, held: Held, watch: Callable[[np.ndarray], None] | None = None) -> Held:
    """Run a stage on every part, from the values at one cut to those at the next.

    Args:
        model: the graph that was cut.
        stage: of it.
        held: what lives at the cut before, by name, an array for each part.
        watch: sees the output of the stage's layer, part by part.
    """
    name = str(output(stage.layer).name)
    wanted = (*stage.kept, *([name] if watch else []))
    kept: Held = {each: [] for each in stage.kept}
    piece = PieceRunner(model, stage.given, wanted) if wanted else None
    for index in range(len(next(iter(held.values()))) if piece else 0):
        assert piece is not None
        found = piece({each: held[each][index] for each in stage.given})
        if watch:
            watch(found[name])
        for each, values in kept.items():
            values.append(found[each])
    return {each: kept[each] if each in kept else held[each] for each in stage.alive}


def parts_within(
    context: Context, model: ir.Model, stages: Sequence[Stage], pictures: int | None = None
) -> list[np.ndarray]:
    """Return the pictures, cut as the graph runs them, as many as may be held.

    Those are the ones that calibrate; or, where their number is given, of all that there are.
    """
    source = model.graph.inputs[0]
    size = static_shape(source)[0]
    most = max(_LEAST_PARTS, _CACHE_BYTES // (nbytes(source) + part_bytes(stages, model)))
    if pictures is None:
        assert context.images is not None
        return parts_of(context.images(), size, most)
    assert context.samples is not None
    return parts_of(context.samples(), size, min(most, -(-pictures // size)))


def part_bytes(stages: Sequence[Stage], model: ir.Model) -> int:
    """Return the most bytes that live at two neighbouring cuts, for one run of the graph."""
    values = {value.name: value for node in model.graph for value in node.outputs}
    values |= {value.name: value for value in model.graph.inputs}
    each = [sum(nbytes(values[name]) for name in stage.alive) for stage in stages]
    return max((one + other for one, other in zip(each, [*each[1:], 0], strict=True)), default=0)


def _sources(node: ir.Node, step: dict[int, int]) -> list[ir.Value]:
    """Return the computed values that a node reads, those behind a pair as the numbers within it."""
    if node.op_type == "DequantizeLinear":
        return []
    found = []
    for value in node.inputs:
        producer = None if value is None else value.producer()
        if producer is not None and producer.op_type == "DequantizeLinear":
            value = producer.inputs[0]
        if value is not None and id(value) in step:
            found.append(value)
    return found


def _distinct(values: Iterable[ir.Value]) -> list[ir.Value]:
    return list({id(value): value for value in values}.values())


def _names(values: Sequence[ir.Value]) -> tuple[str, ...]:
    return tuple(str(value.name) for value in values)
