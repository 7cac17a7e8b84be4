"""Compressing and compiling a network, with the outputs compared at every hop."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import onnx_ir as ir

from edgecnn.errors import VerificationError
from edgecnn.export.artifacts import Artifact, graph_artifact
from edgecnn.export.bundle import SAMPLE_OUTPUT, SAMPLE_OUTPUT_INT8
from edgecnn.export.compilers import Compiled, compile_for
from edgecnn.export.parity import Parity
from edgecnn.graph.precision import precision_of
from edgecnn.pipeline import hops, microcontroller, room
from edgecnn.pipeline.beside import float_graph, ranges_for_dla
from edgecnn.pipeline.finished_passes import FinishedPasses
from edgecnn.pipeline.network import Network
from edgecnn.pipeline.quantization import Order
from edgecnn.profile.footprint import Footprint
from edgecnn.quantize import Context, Step, compress
from edgecnn.sample import sample_inputs


@dataclass(frozen=True, kw_only=True)
class Verified:
    """A compiled network whose hops all hold.

    Attributes:
        steps: the passes, with the graphs before and after each.
        samples: float32 (n, c, h, w), on which hops were compared.
        outputs: of the graphs that artifacts are held to, by the sample's name in the bundle.
        artifacts: what ships, the graph first.
        compiled: what the compiler gave.
        parity: of every hop, in order.
        footprint: what it needs of a microcontroller; None for another target.
    """

    steps: Sequence[Step]
    samples: np.ndarray
    outputs: Mapping[str, np.ndarray]
    artifacts: Sequence[Artifact]
    compiled: Compiled
    parity: tuple[Parity, ...]
    footprint: Footprint | None = None


def verified(
    network: Network,
    ordered: Order,
    context: Context,
    on_stage: Callable[[str], None],
    finished: FinishedPasses | None = None,
) -> Verified:
    """Compress and compile, comparing at every hop; raise `VerificationError` at one that does not hold."""
    from edgecnn.runtime.onnx_runner import OnnxRunner

    samples = sample_inputs(network.preprocessing, context.seed)
    parity = [*network.parity, *([hops.with_module(network, samples)] if network.module is not None else [])]
    on_stage("compress")
    steps = compress(network.graph, ordered.calls, context=context, finished=finished)
    parity += [hops.of_step(step, samples, context.images) for step in steps]
    on_stage("compile")
    graph = steps[-1].after
    full = float_graph(ordered, steps)
    reference = graph_artifact(full, precision=precision_of(full))
    graphs = {SAMPLE_OUTPUT: full, **({SAMPLE_OUTPUT_INT8: graph} if graph is not full else {})}
    outputs = {
        name: (reference.runner if each is full else OnnxRunner(each))(samples)
        for name, each in graphs.items()
    }
    ranges = ranges_for_dla(ordered, full, context) if graph is not full else None
    compiled = compile_for(
        ordered.device, graph, io=ordered.io, float_graph=graphs[SAMPLE_OUTPUT], ranges=ranges
    )
    others = [artifact for artifact in compiled.artifacts if artifact.path != reference.path]
    own = [artifact for artifact in compiled.artifacts if artifact.path == reference.path]
    _check_got(ordered, graph, others if graph is full else [])
    parity += [
        hops.of_artifact(graphs[each.expected], each, samples, outputs[each.expected]) for each in others
    ]
    needed = None
    if ordered.device.is_microcontroller:
        on_stage("fit")
        (file,) = (each.data for each in others)
        needed = room.checked(network, ordered, file)
        parity += microcontroller.hop(file, samples, context.images, parity[-1].response)
    return Verified(
        steps=steps,
        samples=samples,
        outputs=outputs,
        artifacts=(*(own or [reference]), *others),
        compiled=compiled,
        parity=tuple(parity),
        footprint=needed,
    )


def _check_got(ordered: Order, graph: ir.Model, artifacts: Sequence[Artifact]) -> None:
    """Raise where a precision was asked for, and the graph or what was compiled of it has another one."""
    found = {"model.onnx": precision_of(graph), **{each.path: each.precision for each in artifacts}}
    for path, precision in found.items():
        if ordered.precision not in ("fp32", precision):
            raise VerificationError(
                f"asked for {ordered.precision}, but {path} is {precision}: nothing in the"
                " network could be changed; leave the precision out"
            )
