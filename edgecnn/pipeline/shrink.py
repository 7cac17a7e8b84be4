"""Running passes over a graph that a user brings."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgecnn.atomic import check_free, write_file
from edgecnn.calls import parse_recipe
from edgecnn.export.parity import Parity
from edgecnn.graph.save import to_bytes
from edgecnn.pipeline import hops
from edgecnn.pipeline.network import open_network
from edgecnn.profile import Profile, profile
from edgecnn.quantize import Step
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


def compress(
    model: Any,
    recipe: str,
    out: str | Path,
    *,
    force: bool = False,
    seed: int = 0,
    inputs: Mapping[str, Sequence[int]] | None = None,
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
        on_step: called after each pass.
    """
    calls = parse_recipe(recipe)
    check_free(out, force=force, folder=False)
    network = open_network(model, inputs=inputs, seed=seed)
    samples = sample_inputs(network.preprocessing, seed)
    finished: list[Compression] = []

    def finish(step: Step) -> None:
        parity = hops.of_step(step, samples)
        finished.append(Compression(step=step, parity=parity, profile=profile(step.after)))
        on_step(finished[-1])

    steps = run_recipe(network.graph, calls, finish)
    write_file(out, to_bytes(steps[-1].after), force=force)
    return finished
