"""Running passes over a graph that a user brings."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from edgecnn.atomic import check_free, write_file
from edgecnn.calls import parse_recipe
from edgecnn.errors import EdgeCnnError
from edgecnn.export.parity import Parity
from edgecnn.graph.save import to_bytes
from edgecnn.pipeline import hops
from edgecnn.pipeline.calibration import IMAGES, data_for, open_source
from edgecnn.pipeline.network import open_network
from edgecnn.profile import Profile, profile
from edgecnn.quantize import Context, Step, needs
from edgecnn.quantize import compress as run_recipe
from edgecnn.sample import sample_inputs


@dataclass(frozen=True, kw_only=True)
class Compression:
    """A finished pass: what it did, the outputs' agreement with those before it, and the costs after it."""

    step: Step
    parity: Parity
    profile: Profile

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON data."""
        return {
            "pass": str(self.step.call),
            "matched": self.step.matched,
            "note": self.step.note,
            "totals": self.profile.totals,
            "agreement": {"kind": "measured", **self.parity.to_json()},
        }


@dataclass(frozen=True, kw_only=True)
class Pictures:
    """What passes that need pictures get.

    Attributes:
        data: the name or path of a data set; its training pictures are taken.
        count: how many of them, drawn by the seed.
        preprocessing: fields of the network's contract; a foreign graph needs `mean`, `std`, `channel_order`.
        scheme: whose rules pairs follow, `tflite` or `tensorrt`.
    """

    data: str | None = None
    count: int = IMAGES
    preprocessing: Mapping[str, Any] = field(default_factory=dict)
    scheme: str = "tflite"

    def __post_init__(self) -> None:
        Context(scheme=self.scheme)  # which knows the schemes
        if self.count < 1:
            raise EdgeCnnError(f"{self.count} pictures are too few to calibrate with; give at least 1")


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
    on_step: Callable[[Compression], None] = lambda _step: None,
) -> list[Compression]:
    """Apply a recipe to a graph, compare outputs at every pass, and write the result as `.onnx`.

    Args:
        model: an `.onnx` file, or anything that `open_network` takes.
        recipe: passes joined by `|`.
        out: the `.onnx` file to write.
        force: replace an existing file.
        seed: of the sample inputs.
        inputs: fixed shapes by input name.
        layout: of the file's images; what is written takes NCHW.
        pictures: what to calibrate with, and whose rules the pairs follow.
        on_step: called after each pass.
    """
    calls, given = parse_recipe(recipe), pictures or Pictures()
    data, _ = data_for(model, given.data) if "images" in needs(calls) else (None, ())
    check_free(out, force=force, folder=False)
    network = open_network(model, inputs=inputs, layout=layout, seed=seed)
    network = replace(network, preprocessing=network.preprocessing.override(**given.preprocessing))
    source = open_source(network, data, seed, given.count, given.preprocessing)
    samples = sample_inputs(network.preprocessing, seed)
    finished: list[Compression] = []

    def finish(step: Step) -> None:
        parity = hops.of_step(step, samples, source.images)
        finished.append(Compression(step=step, parity=parity, profile=profile(step.after)))
        on_step(finished[-1])

    context = Context(images=source.images, scheme=given.scheme, seed=seed)
    steps = run_recipe(network.graph, calls, finish, context=context)
    write_file(out, to_bytes(steps[-1].after), force=force)
    return finished
