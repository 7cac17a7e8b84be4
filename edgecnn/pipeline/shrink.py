"""Running passes over a graph that a user brings, and measuring it after each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from edgecnn import devices
from edgecnn.atomic import check_free, write_file
from edgecnn.calls import Call, parse_recipe
from edgecnn.device import DeviceProfile
from edgecnn.errors import EdgeCnnError
from edgecnn.export.compilers import check_target
from edgecnn.export.parity import Parity
from edgecnn.graph.save import to_bytes
from edgecnn.pipeline import hops
from edgecnn.pipeline.asked import Asked, Ready, Told, prepared
from edgecnn.pipeline.calibration import data_of
from edgecnn.pipeline.network import open_network
from edgecnn.pipeline.pictures import Pictures
from edgecnn.pipeline.quantization import PASSES_OF_PRECISION, SCHEMES, check_precision, refuse_half_weights
from edgecnn.pipeline.standing import Judge, Standing, ends
from edgecnn.pipeline.training_pictures import with_own_augmentation
from edgecnn.profile import Profile
from edgecnn.quantize import Step
from edgecnn.quantize import compress as run_recipe
from edgecnn.quantize.recipe import check_order, check_recipe, complete_recipe
from edgecnn.sample import sample_inputs

_KIND = {"kind": "measured"}

__all__ = ["Compression", "Pictures", "Told", "compress"]


@dataclass(frozen=True, kw_only=True)
class Compression:
    """A finished pass: what it did, how far it moved the outputs, and where the network stands now.

    `parity` is None where the pass gave the graph another input or output size: then nothing can be compared.
    """

    step: Step
    parity: Parity | None
    standing: Standing

    @property
    def profile(self) -> Profile:
        """The costs of the graph."""
        return self.standing.profile

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON data."""
        compared = self.standing.compared
        original = {} if compared is None else {"with_original": compared.to_json()}
        return {
            "pass": str(self.step.call),
            "matched": self.step.matched,
            "note": self.step.note,
            "agreement": None if self.parity is None else {**_KIND, **self.parity.to_json(), **original},
            **self.standing.to_json(),
        }


def compress(
    model: Any,
    recipe: str,
    out: str | Path,
    *,
    force: bool = False,
    seed: int = 0,
    inputs: Mapping[str, Sequence[int]] | None = None,
    layout: str | None = None,
    pictures: Pictures | None = None,
    target: str | None = None,
    told: Told | None = None,
) -> list[Compression]:
    """Apply a recipe to a graph, compare outputs at every pass, and write the result as `.onnx`.

    With pictures, what the network gets right, or how often it agrees with the network before the recipe, is
    measured after every pass on the held-out ones. Finished passes and epochs are kept in `OUT.passes` until
    the recipe is done: the same call, or one whose recipe begins alike, goes on from there.

    Args:
        model: an `.onnx` file, or anything that `open_network` takes.
        recipe: passes joined by `|`.
        out: the `.onnx` file to write.
        force: replace an existing file.
        seed: of everything random.
        inputs: fixed shapes by input name.
        layout: of the file's images; what is written takes NCHW.
        pictures: what to calibrate with, to train on and to measure on.
        target: a device profile's name: its rules, its channel multiple, and what it cannot run.
        told: what is called in between.

    Raises:
        EdgeCnnError: the recipe or the pictures do not fit the network, or the target cannot run it.
    """
    given, told = pictures or Pictures(), told or Told()
    calls = complete_recipe(parse_recipe(recipe))
    check_recipe(calls)
    device = None if target is None else _device(target, calls, given)
    data = data_of(model, given.data, calls)[0] or given.data
    check_free(out, force=force, folder=False)
    network = open_network(model, inputs=inputs, layout=layout, seed=seed)
    network = replace(network, preprocessing=network.preprocessing.override(**given.preprocessing))
    check_order(calls, network.graph)
    if device is not None:
        check_target(device, network.graph, device.precisions[0] if device.is_microcontroller else "fp32")
    given = replace(given, data=data, training=with_own_augmentation(given.training, model))
    asked = Asked(network=network, calls=calls, pictures=given, device=device, seed=seed)
    with prepared(asked, Path(out), told) as ready:
        compressions = _run(asked, ready, told)
        write_file(out, to_bytes(compressions[-1].step.after), force=force)
    return compressions


def _device(target: str, calls: Sequence[Call], given: Pictures) -> DeviceProfile:
    """Return the target's profile; raise `EdgeCnnError` for a precision that it does not run."""
    device = devices.find(target)
    refuse_half_weights(device, calls)
    check_precision(device, {call.name for call in calls} & set(PASSES_OF_PRECISION), "float")
    scheme = SCHEMES.get(device.runtime)
    if given.scheme is not None and scheme is not None and given.scheme != scheme:
        raise EdgeCnnError(f"{target} wants the rules of {scheme}, not {given.scheme}; leave out --scheme")
    return device


def _run(asked: Asked, ready: Ready, told: Told) -> list[Compression]:
    """Run the passes, measuring before the first and after each."""
    judge = Judge(asked.network, asked.held_out(told.note), asked.device)
    told.start(judge.standing(asked.network.graph))
    compressions: list[Compression] = []

    def finish(step: Step) -> None:
        parity = _parity(step, asked, ready)
        compressions.append(Compression(step=step, parity=parity, standing=judge.standing(step.after)))
        told.step(compressions[-1])

    run_recipe(asked.network.graph, asked.calls, finish, context=ready.context, finished=ready.finished)
    return compressions


def _parity(step: Step, asked: Asked, ready: Ready) -> Parity | None:
    """Compare before and after a pass; None where a lossy one gave the graph another size."""
    (_, _, height, width), *_ = before = ends(step.before)
    if not step.lossless and ends(step.after) != before:
        return None
    contract = replace(asked.network.preprocessing, height=height, width=width)
    images = ready.context.images if before == ends(asked.network.graph) else None
    return hops.of_step(step, sample_inputs(contract, asked.seed), images)
