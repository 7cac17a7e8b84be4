"""Which layers lose most by int8: a network is quantized, then each of its layers alone is rounded."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from edgecnn.calls import parse_recipe
from edgecnn.errors import EdgeCnnError
from edgecnn.pipeline.calibration import IMAGES, data_for, open_source
from edgecnn.pipeline.network import open_network
from edgecnn.quantize import Context, compress
from edgecnn.quantize.recipe import check_recipe
from edgecnn.quantize.sensitivity import PICTURES, LayerSensitivity, sensitivity


@dataclass(frozen=True, kw_only=True)
class Sensitivities:
    """What rounding each layer of a network alone does to its output, measured.

    Attributes:
        title: of the network.
        recipe: that quantized it.
        layers: in execution order.
        pictures: that were compared.
        notes: what to know about them.
    """

    title: str
    recipe: str
    layers: tuple[LayerSensitivity, ...]
    pictures: int
    notes: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON data, marked as measured."""
        return {
            "model": self.title,
            "recipe": self.recipe,
            "kind": "measured",
            "pictures": self.pictures,
            "layers": [dict(vars(layer)) for layer in self.layers],
            "notes": list(self.notes),
        }


def sensitivities(
    model: Any,
    *,
    calibrate: str | None = None,
    recipe: str = "int8",
    pictures: int = PICTURES,
    preprocessing: Mapping[str, Any] | None = None,
    seed: int = 0,
    on_progress: Callable[[str, int, int], None] = lambda _what, _done, _of: None,
    **opening: Any,
) -> Sensitivities:
    """Quantize a network and return what rounding each of its layers alone does to its output.

    Args:
        model: a spec, run folder, bundle, `.onnx` file, `onnx_ir.Model` or `nn.Module`.
        calibrate: a data set's name or path; by default that which a run folder was trained on.
        recipe: passes, `int8` among them.
        pictures: how many are compared for each layer, of those that calibrate.
        preprocessing: fields that override those of the network's own contract.
        seed: of random weights, and of which pictures are drawn.
        on_progress: called with (what, layers or pictures done, of how many).
        opening: `weights`, `width`, `res`, ...: see `edgecnn.pipeline.network.open_network`.

    Returns:
        The signal-to-noise ratio and the agreement that each layer alone leaves.

    Raises:
        EdgeCnnError: there are no pictures, or the network cannot be quantized.
    """
    if pictures < 1:
        raise EdgeCnnError(f"{pictures} pictures are too few to compare outputs on; give at least 1")
    calls = parse_recipe(recipe)
    check_recipe(calls)
    data, notes = data_for(model, calibrate)
    network = open_network(model, seed=seed, **opening)
    network = replace(network, preprocessing=network.preprocessing.override(**(preprocessing or {})))
    source = open_source(network, data, seed, max(IMAGES, pictures), preprocessing or {})
    context = Context(images=source.images, seed=seed, on_progress=on_progress)
    graph = compress(network.graph, calls, context=context)[-1].after
    assert source.images is not None
    found = sensitivity(graph, source.images(), pictures=pictures, on_progress=on_progress)
    return Sensitivities(
        title=network.title,
        recipe=recipe,
        layers=tuple(found),
        pictures=pictures,
        notes=(*notes, *source.notes),
    )
