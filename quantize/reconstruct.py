"""Layers of a cut network fitted to what they gave before, the first one first; nothing is trained.

    min_{W, b}  Σ_p ‖ y(p) − W x'(p) − b ‖²  +  λ ‖W − W_0‖²

y is what the layer gave in the whole network, on the channels that are left, x' what it reads in the cut one,
whose earlier layers have been fitted already, p places drawn from the maps of pictures without labels;
pictures that are held back choose λ, and whether the layer is changed at all. A layer without a bias has the
shift b taken into the BatchNorm behind it, or none. At last every BatchNorm gets the statistics of what it
reads now, its scale and shift taking up the difference, so that a training begins with the network as it was
fitted. Layers whose weights are shared or computed, transposed convolutions, and those of more than `_WIDEST`
columns stay as they are.
Source: He et al. 2017, arXiv:1707.06168, §3.1, where the fit chooses the channels, too.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import onnx_ir as ir

from edgecnn.graph.nodes import attribute, output, static_shape
from edgecnn.quantize.channels import Layer, layer
from edgecnn.quantize.context import Context
from edgecnn.quantize.least_squares import least_squares, product
from edgecnn.quantize.norms import norm_behind, restate, shift_mean
from edgecnn.quantize.samples import Places, draw_places, inputs_of, outputs_at
from edgecnn.quantize.stages import Held, cut, parts_within, run
from edgecnn.runtime.onnx_runner import OnnxRunner

_WIDEST = 4608  # columns: 512 channels by 3 x 3
_SAMPLES = 8192  # places at the least, and two for each column
_RIGHT = 1e-5  # of the largest output: a layer that is nearer than this is left as it is

Mask = Callable[[str], np.ndarray]  # which channels of a value are left, by its name


@dataclass(frozen=True, kw_only=True)
class Reconstruction:
    """A fitted graph, how many of its layers were, and to how many pictures."""

    model: ir.Model
    layers: int
    pictures: int


def reconstruct(
    small: ir.Model, whole: ir.Model, mask: Mask, context: Context, pictures: int
) -> Reconstruction:
    """Return the small graph with layers that give what they give in the whole one, as nearly as they can.

    Args:
        small: what a cut has left of `whole`; values have the same names.
        whole: the graph before the cut.
        mask: of its values.
        context: brings the pictures.
        pictures: at most so many are used.
    """
    clone = small.clone()
    stages = cut(clone)
    parts = parts_within(context, clone, stages, pictures)
    number = sum(map(len, parts))
    layers = {id(stage.layer): each for stage in stages if (each := _fittable(stage.layer)) is not None}
    draw = np.random.default_rng(context.seed)
    places = {name: _places(each, parts, draw) for each in layers.values() for name in [_name(each.node)]}
    targets = _targets(whole, places, parts)
    held: Held = {str(clone.graph.inputs[0].name): parts}
    fitted = 0
    for done, stage in enumerate(stages, start=1):
        held = run(clone, stage, held)
        found, name = layers.get(id(stage.layer)), _name(stage.layer)
        if found is not None:
            assert stage.layer.inputs[0] is not None
            inputs = inputs_of(stage.layer, held[str(stage.layer.inputs[0].name)], places[name])
            fitted += _fit(clone.graph, found, inputs, targets.pop(name)[:, mask(name)])
        context.on_progress("reconstruct", done, len(stages))
    if fitted:
        restate(clone, parts)
    return Reconstruction(model=clone, layers=fitted, pictures=number)


def _name(node: ir.Node) -> str:
    return str(output(node).name)


def _fittable(node: ir.Node) -> Layer | None:
    """Return a layer that can be fitted, else None."""
    found = layer(node)
    if found is None or node.op_type == "ConvTranspose" or found.columns > _WIDEST:
        return None
    plain = all(attribute(node, name, 1.0) == 1.0 for name in ("alpha", "beta"))
    padded = attribute(node, "auto_pad", "NOTSET") == "NOTSET"
    return found if plain and padded and len(static_shape(output(node))) in (2, 4) else None


def _places(each: Layer, parts: list[np.ndarray], draw: np.random.Generator) -> Places:
    wanted = max(_SAMPLES, 2 * each.columns)
    return draw_places(each.node, len(parts), -(-wanted // sum(map(len, parts))), draw)


def _targets(whole: ir.Model, places: dict[str, Places], parts: list[np.ndarray]) -> dict[str, np.ndarray]:
    """Return what the layers of the whole graph give at their places: rows (samples, c), by name."""
    runner = OnnxRunner(whole, outputs=tuple(places))
    found: dict[str, list[np.ndarray]] = {name: [] for name in places}
    for index, part in enumerate(parts):
        for name, values in runner.values(part).items():
            found[name].append(outputs_at(values, places[name][index]))
    return {name: np.concatenate(rows) for name, rows in found.items()}


def _fit(graph: ir.Graph, each: Layer, inputs: np.ndarray, wanted: np.ndarray) -> bool:
    """Fit a layer in place, from inputs (n, groups, columns) to outputs (n, c); tell whether it was."""
    before = each.matrices.transpose(0, 2, 1)
    missing = wanted - product(inputs, before) - (0.0 if each.bias is None else each.bias)
    if np.abs(missing).max() <= _RIGHT * np.abs(wanted).max():
        return False
    norm = None if each.bias is not None else norm_behind(each.node)
    found = least_squares(
        inputs, missing, groups=len(before), shifted=each.bias is not None or norm is not None
    )
    if found is None:
        return False
    bias = None if each.bias is None else (each.bias + found.shift).astype(each.bias.dtype)
    if norm is not None:
        shift_mean(graph, norm, -found.shift)
    each.with_matrices((before + found.weights).transpose(0, 2, 1), bias).write(graph)
    return True
