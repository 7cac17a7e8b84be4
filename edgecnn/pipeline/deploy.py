"""From a network to a verified bundle: every hop is compared before anything is written."""

import hashlib
import importlib.metadata
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx_ir as ir

from edgecnn.atomic import check_free
from edgecnn.errors import EdgeCnnError, VerificationError
from edgecnn.export.bundle import (
    CALIBRATION_CACHE,
    MANIFEST,
    SAMPLE_INPUT,
    SAMPLE_OUTPUT,
    SAMPLE_OUTPUT_INT8,
    is_zip,
    to_npy,
    write_bundle,
)
from edgecnn.export.compilers import (
    Artifact,
    Compiled,
    check_target,
    compile_for,
    dla_artifact,
    graph_artifact,
)
from edgecnn.export.parity import Parity, response
from edgecnn.graph.precision import precision_of, scheme_of
from edgecnn.pipeline import hops
from edgecnn.pipeline.beside import float_graph, ranges_for_dla
from edgecnn.pipeline.calibration import open_source
from edgecnn.pipeline.ladder import choose
from edgecnn.pipeline.network import Network, open_network
from edgecnn.pipeline.quantization import Order, Quantization, check_precision, order
from edgecnn.pipeline.softmax import with_softmax
from edgecnn.profile import Profile, profile
from edgecnn.quantize import Context, Step, compress
from edgecnn.quantize.int8 import calibration_of
from edgecnn.quantize.ladder import Rung
from edgecnn.sample import sample_inputs
from edgecnn.version import __version__

_TOOLS = ("torch", "onnx", "onnx-ir", "onnxruntime", "ai-edge-litert", "numpy")
_AGREES = 0.99  # of the pictures: fewer are worth a word
_SAID = 100  # pictures between two lines
_RUNS, _LONGEST_S = 15, 2.0  # of the latency on this host: so many runs, or as many as fit


@dataclass(frozen=True, kw_only=True)
class Deployment:
    """What `deploy` made.

    Attributes:
        path: of the bundle.
        network: what went in.
        target: for which it was compiled.
        profile: of the network as defined.
        folded: of the graph that ships.
        parity: of every hop, in order.
        artifacts: `{path, bytes, sha256}` of each.
        host_latency_s: median of single images by artifact, measured on this host: not the board's.
        ladder: the int8 recipes that were tried, the last of which was taken; empty without `max_drop`.
        notes: what to know about the target.
    """

    path: Path
    network: Network
    target: str
    profile: Profile
    folded: Profile
    parity: tuple[Parity, ...]
    artifacts: tuple[Mapping[str, Any], ...]
    host_latency_s: Mapping[str, float]
    notes: tuple[str, ...]
    ladder: tuple[Rung, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON data."""
        return {
            "bundle": str(self.path),
            "model": self.network.title,
            "weights": self.network.weights,
            "target": self.target,
            "artifacts": [dict(artifact) for artifact in self.artifacts],
            "parity": [parity.to_json() for parity in self.parity],
            "totals": {**self.profile.totals, "parameters_folded": self.folded.parameters},
            "host_latency": {"kind": "measured", "on": "this host", "median_s": dict(self.host_latency_s)},
            "ladder": [rung.to_json() for rung in self.ladder],
            "notes": list(self.notes),
        }


@dataclass(frozen=True, kw_only=True)
class _Verified:
    """A compiled network whose hops all hold."""

    steps: Sequence[Step]
    samples: np.ndarray
    outputs: Mapping[str, np.ndarray]
    artifacts: Sequence[Artifact]
    compiled: Compiled
    parity: tuple[Parity, ...]


def deploy(
    model: Any,
    target: str,
    *,
    out: str | Path | None = None,
    recipe: str = "fold",
    force: bool = False,
    seed: int = 0,
    preprocessing: Mapping[str, Any] | None = None,
    softmax: bool = False,
    quantization: Quantization | None = None,
    on_stage: Callable[[str], None] = lambda _stage: None,
    **opening: Any,
) -> Deployment:
    """Export a network for a target, verify every hop, and write the bundle.

    Args:
        model: a spec, run folder, bundle, `.onnx` file, `onnx_ir.Model` or `nn.Module`.
        target: a device profile's name, such as `pi4` or `jetson`.
        out: the bundle's folder, or a `.zip`; by default a readable name in the current folder.
        recipe: passes; where `fold` is not among them it comes last, but before a change of precision.
        force: replace an existing bundle.
        seed: of random weights, of the sample, and of which pictures calibrate.
        preprocessing: fields that override those of the network's own contract.
        softmax: append a softmax over the classes.
        quantization: the precision asked for, and the pictures to calibrate with.
        on_stage: called with the name of each stage when it begins.
        opening: `weights`, `width`, `res`, ...: see `edgecnn.pipeline.network.open_network`.

    Raises:
        EdgeCnnError: the target cannot run the network, or the request is wrong; nothing is written.
        VerificationError: a hop changed the outputs; the first layer that differs is named.
    """
    ordered = order(model, target, recipe, quantization or Quantization())
    if out is not None:
        _check_free(Path(out), force)
    on_stage("build")
    network = open_network(model, seed=seed, **opening)
    network = replace(network, preprocessing=network.preprocessing.override(**(preprocessing or {})))
    network = with_softmax(network) if softmax else network
    _check_network(ordered, network)
    path = Path(out) if out is not None else Path(f"{network.name}-{_precision(ordered, network)}.{target}")
    _check_free(path, force)
    source = open_source(network, ordered.data, seed, ordered.asked.calibrate_images, preprocessing or {})
    context = Context(images=source.images, scheme=ordered.scheme, seed=seed, on_progress=_say_each(on_stage))
    ordered, ladder = choose(network, ordered, context, on_stage)
    verified = _verify(network, ordered, context, on_stage)
    on_stage("measure")
    latency_s = {each.path: _latency_s(each, verified.samples) for each in verified.artifacts}
    on_stage("write")  # the last thing, so that an interruption leaves nothing
    manifest = {**_manifest(network, ordered, verified), "name": path.stem if is_zip(path) else path.name}
    write_bundle(path, {**manifest, "seed": seed}, _contents(verified), force=force)
    return Deployment(
        path=path,
        network=network,
        target=target,
        profile=profile(network.graph),
        folded=profile(verified.steps[-1].after),
        parity=verified.parity,
        artifacts=tuple(_listed(artifact) for artifact in verified.artifacts),
        host_latency_s=latency_s,
        ladder=tuple(ladder),
        notes=(*ordered.notes, *source.notes, *_warnings(verified), *verified.compiled.notes),
    )


def _check_free(path: Path, force: bool) -> None:
    check_free(path, force=force, marker=MANIFEST, folder=not is_zip(path))


def _precision(ordered: Order, network: Network) -> str:
    """Return the precision asked for, or that which the network brings."""
    return ordered.precision if ordered.precision != "fp32" else precision_of(network.graph)


def _check_network(ordered: Order, network: Network) -> None:
    """Refuse, before any work, what the target cannot run of this network."""
    check_target(ordered.device, network.graph)
    check_precision(ordered.device, {_precision(ordered, network)}, ordered.asked.io)
    brought = precision_of(network.graph)
    if brought in ordered.device.some_precisions:
        raise EdgeCnnError(
            f"{network.title} is {brought} already, which not every member of {ordered.device.name} runs;"
            " give the float network and --int8, or one board as the target"
        )
    scheme = scheme_of(network.graph)
    if scheme not in (None, ordered.scheme):
        raise EdgeCnnError(
            f"{network.title} is quantized by the rules of {scheme}, and {ordered.device.name} wants those of"
            f" {ordered.scheme}; give the float network and --int8"
        )


def _verify(network: Network, ordered: Order, context: Context, on_stage: Callable[[str], None]) -> _Verified:
    """Compress and compile, comparing at every hop."""
    from edgecnn.runtime.onnx_runner import OnnxRunner

    samples = sample_inputs(network.preprocessing, context.seed)
    parity = [hops.with_module(network, samples)] if network.module is not None else []
    on_stage("compress")
    steps = compress(network.graph, ordered.calls, context=context)
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
        ordered.device, graph, io=ordered.asked.io, float_graph=graphs[SAMPLE_OUTPUT], ranges=ranges
    )
    others = [artifact for artifact in compiled.artifacts if artifact.path != reference.path]
    _check_got(ordered, graph, others if graph is full else [])
    parity += [
        hops.of_artifact(graphs[each.expected], each, samples, outputs[each.expected]) for each in others
    ]
    return _Verified(
        steps=steps,
        samples=samples,
        outputs=outputs,
        artifacts=(reference, *others),
        compiled=compiled,
        parity=tuple(parity),
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


def _say_each(on_stage: Callable[[str], None]) -> Callable[[str, int, int], None]:
    """Return what says now and then how many pictures are done."""
    return lambda what, done, _of: on_stage(f"{what} {done}") if done % _SAID == 0 else None


def _warnings(verified: _Verified) -> tuple[str, ...]:
    """Return what lossy passes said, and where the network names other classes than before."""
    said = [f"{step.call.name}: {step.note}" for step in verified.steps if not step.lossless]
    found = [hop for hop in verified.parity if hop.agreement is not None and hop.agreement < _AGREES]
    return (
        *said,
        *(
            f"{hop.hop}: another answer than before on {1 - (hop.agreement or 0):.1%} of {hop.agreement_n}"
            " calibration pictures"
            for hop in found
        ),
    )


def _manifest(network: Network, ordered: Order, verified: _Verified) -> dict[str, Any]:
    before, after = profile(network.graph), profile(verified.steps[-1].after)
    moved = {name: response(outputs) for name, outputs in verified.outputs.items()}
    ends = {"input": network.graph.graph.inputs[0], "output": verified.steps[-1].after.graph.outputs[0]}
    return {
        "edgecnn": __version__,
        "model": {"spec": network.title, "weights": network.weights},
        "target": ordered.device.name,
        "runtime": ordered.device.runtime,
        "recipe": [*network.appended, *(str(step.call) for step in verified.steps)],
        "calibration": _calibration(ordered, verified.steps[-1].after),
        "versions": {tool: importlib.metadata.version(tool) for tool in _TOOLS},
        "preprocessing": network.preprocessing.to_json(),
        "labels": None if network.labels is None else list(network.labels),
        "totals": {**before.totals, "parameters_folded": after.parameters},
        "parity": [parity.to_json() for parity in verified.parity],
        **{end: {"name": value.name, "shape": list(value.shape or ())} for end, value in ends.items()},
        "artifacts": [artifact.describe(moved[artifact.expected]) for artifact in verified.artifacts],
        "sample": {"input": SAMPLE_INPUT, "output": SAMPLE_OUTPUT},
        **_dla(verified, moved[SAMPLE_OUTPUT]),
    }


def _dla(verified: _Verified, moved: float) -> dict[str, Any]:
    if CALIBRATION_CACHE not in verified.compiled.scripts:
        return {}
    lost = float(np.abs(verified.outputs[SAMPLE_OUTPUT_INT8] - verified.outputs[SAMPLE_OUTPUT]).max())
    return {"dla": dla_artifact(moved, lost)}


def _calibration(ordered: Order, graph: ir.Model) -> dict[str, Any] | None:
    noted = calibration_of(graph)
    return None if noted is None else {"data": ordered.data, **noted}


def _contents(verified: _Verified) -> dict[str, bytes]:
    return {
        **{artifact.path: artifact.data for artifact in verified.artifacts},
        SAMPLE_INPUT: to_npy(verified.samples),
        **{name: to_npy(outputs) for name, outputs in verified.outputs.items()},
        **verified.compiled.scripts,
    }


def _listed(artifact: Artifact) -> dict[str, Any]:
    digest = hashlib.sha256(artifact.data).hexdigest()
    return {"path": artifact.path, "bytes": len(artifact.data), "sha256": digest}


def _latency_s(artifact: Artifact, samples: np.ndarray) -> float:
    image = samples[:1]
    times: list[float] = []
    artifact.runner(image)  # warm-up
    while not times or (len(times) < _RUNS and sum(times) < _LONGEST_S):
        start = time.perf_counter()
        artifact.runner(image)
        times.append(time.perf_counter() - start)
    return statistics.median(times)
