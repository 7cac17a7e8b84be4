"""From a network to a verified bundle: every hop is compared before anything is written."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgecnn import units
from edgecnn.atomic import check_free
from edgecnn.errors import EdgeCnnError
from edgecnn.export.artifacts import Artifact
from edgecnn.export.bundle import (
    MANIFEST,
    is_zip,
    write_bundle,
)
from edgecnn.export.compilers import check_target
from edgecnn.export.parity import Parity
from edgecnn.graph.precision import precision_of, scheme_of
from edgecnn.pipeline import microcontroller
from edgecnn.pipeline.asked import Asked, Told, prepared
from edgecnn.pipeline.bundle_contents import contents, manifest
from edgecnn.pipeline.ladder import choose
from edgecnn.pipeline.network import Network, open_network
from edgecnn.pipeline.pictures import Pictures
from edgecnn.pipeline.quantization import Order, Quantization, check_precision, members_note, order
from edgecnn.pipeline.room import check_early
from edgecnn.pipeline.softmax import with_softmax
from edgecnn.pipeline.standing import latency_s
from edgecnn.pipeline.verification import Verified, verified
from edgecnn.profile import Profile, profile
from edgecnn.profile.footprint import Footprint
from edgecnn.quantize.ladder import Rung

if TYPE_CHECKING:
    from edgecnn.optimize import Epoch

_AGREES = 0.99  # of the pictures: fewer are worth a word
_SAID = 100  # pictures between two lines


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
        footprint: what it needs of a microcontroller; None for another target.
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
    footprint: Footprint | None = None

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
            **({} if self.footprint is None else {"microcontroller": self.footprint.to_json()}),
        }


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

    Returns:
        Where the bundle is, what it holds, and the error measured at every hop.

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
    check_early(network, ordered)
    path = _path(out, ordered, network)
    _check_free(path, force)
    asked = _asked(ordered, network, preprocessing or {}, seed)
    with prepared(asked, path, _told(on_stage)) as ready:
        ordered, ladder = choose(network, ordered, ready.context, on_stage)
        path = _path(out, ordered, network)
        _check_free(path, force)
        found = verified(network, ordered, ready.context, on_stage, ready.finished)
        on_stage("measure")
        latency = {each.path: latency_s(each.runner, found.samples[:1]) for each in found.artifacts}
        on_stage("write")  # the last thing, so that an interruption leaves nothing
        name = path.stem if is_zip(path) else path.name
        said = {**manifest(network, ordered, found), "name": name, "seed": seed}
        write_bundle(path, said, contents(network, ordered, found), force=force)
    return Deployment(
        path=path,
        network=network,
        target=target,
        profile=profile(network.graph),
        folded=profile(found.steps[-1].after),
        parity=found.parity,
        artifacts=tuple(_listed(artifact) for artifact in found.artifacts),
        host_latency_s=latency,
        ladder=tuple(ladder),
        footprint=found.footprint,
        notes=(
            *ordered.notes,
            *members_note(ordered.device, ordered.precision),
            *ready.notes,
            *_warnings(found),
            *found.compiled.notes,
            *([] if found.footprint is None else microcontroller.notes(ordered.device, found.footprint)),
        ),
    )


def _check_free(path: Path, force: bool) -> None:
    check_free(path, force=force, marker=MANIFEST, folder=not is_zip(path))


def _path(out: str | Path | None, ordered: Order, network: Network) -> Path:
    """Return where the bundle goes; by default it is named after network, precision and target."""
    return Path(out or f"{network.name}-{_precision(ordered, network)}.{ordered.device.name}")


def _precision(ordered: Order, network: Network) -> str:
    """Return the precision asked for, or that which the network brings."""
    return ordered.precision if ordered.precision != "fp32" else precision_of(network.graph)


def _check_network(ordered: Order, network: Network) -> None:
    """Refuse, before any work, what the target cannot run of this network."""
    precision = _precision(ordered, network)
    check_target(ordered.device, network.graph, "int8" if precision == "dynamic" else precision)
    check_precision(ordered.device, {precision}, ordered.io)
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


def _asked(ordered: Order, network: Network, preprocessing: Mapping[str, Any], seed: int) -> Asked:
    pictures = Pictures(
        data=ordered.data,
        count=ordered.asked.calibrate_images,
        preprocessing=preprocessing,
        training=ordered.asked.training,
    )
    return Asked(network=network, calls=ordered.calls, pictures=pictures, device=ordered.device, seed=seed)


def _told(on_stage: Callable[[str], None]) -> Told:
    def say(name: str, epoch: "Epoch") -> None:
        left = units.clock(epoch.left_s)
        on_stage(f"{name}: epoch {epoch.epoch}/{epoch.epochs}, loss {epoch.loss:.4f}, {left} left")

    return Told(epoch=say, progress=_say_each(on_stage))


def _say_each(on_stage: Callable[[str], None]) -> Callable[[str, int, int], None]:
    """Return what says now and then how many pictures are done."""
    return lambda what, done, _of: on_stage(f"{what} {done}") if done % _SAID == 0 else None


def _warnings(found: Verified) -> tuple[str, ...]:
    """Return what lossy passes said, and where the network names other classes than before."""
    said = [f"{step.call.name}: {step.note}" for step in found.steps if not step.lossless]
    changed = [hop for hop in found.parity if hop.agreement is not None and hop.agreement < _AGREES]
    return (
        *said,
        *(
            f"{hop.hop}: another answer than before on {1 - (hop.agreement or 0):.1%} of {hop.agreement_n}"
            " calibration pictures"
            for hop in changed
        ),
    )


def _listed(artifact: Artifact) -> dict[str, Any]:
    digest = hashlib.sha256(artifact.data).hexdigest()
    return {"path": artifact.path, "bytes": len(artifact.data), "sha256": digest}
