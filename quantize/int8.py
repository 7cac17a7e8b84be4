"""Quantizing weights and activations to int8 with QuantizeLinear → DequantizeLinear pairs.

    x → x' = (clip(round(x / s) + z, -128, 127) - z) s

before: x → Conv(w) → Relu; after: the same with a pair behind x, w and Relu's output. Activations have one
scale and zero point, weights a scale per output channel and zero point 0, biases stay float: a compiler
writes them as int32 of scale s_x s_w. Ranges come from calibration pictures (`observer`).
Source: Jacob et al. 2018, arXiv:1712.05877; Krishnamoorthi 2018, arXiv:1806.08342.
"""

from collections.abc import Mapping, Sequence
from functools import partial

import onnx_ir as ir

from edgecnn import units
from edgecnn.calls import Value
from edgecnn.errors import UnknownNameError
from edgecnn.graph.nodes import output
from edgecnn.graph.precision import SCHEME
from edgecnn.quantize.calibrate import Calibration, calibrate
from edgecnn.quantize.context import Context
from edgecnn.quantize.grids import Grids, observed, settle
from edgecnn.quantize.idle_weights import clip_idle, coarse_biases, live_weights
from edgecnn.quantize.observers import DEFAULT, find_observer
from edgecnn.quantize.pairs import insert_pair, insert_second_pair, insert_weight_pair
from edgecnn.quantize.passes import Result, compression_pass
from edgecnn.quantize.placement import Placement, refuse_quantized
from edgecnn.quantize.schemes import SCHEMES

CALIBRATION, COUNT, OBSERVER = "edgecnn.calibration", "edgecnn.calibration_images", "edgecnn.observer"


def _check(settings: Mapping[str, Value]) -> None:
    find_observer(str(settings["observer"]), float(settings["percentile"]))


@compression_pass(lossless=False, needs=("images",), after=("fold",), once=True, check=_check)
def int8(
    model: ir.Model,
    *,
    context: Context,
    observer: str = DEFAULT,
    percentile: float = 99.99,
    per_channel: bool = True,
    allow_float: str = "",
    keep_float: str = "",
) -> Result:
    """Quantize weights and activations to int8; outputs move by a few steps of the grid."""
    chosen, scheme = find_observer(observer, percentile), SCHEMES[context.scheme]
    assert context.images is not None
    refuse_quantized(model)
    clone = model.clone()
    norms = scheme.prepare(clone.graph)
    placement = scheme.place(clone, names(allow_float), _nodes(clone, names(keep_float)))
    values = [str(value.name) for value in observed(placement)]
    calibration = calibrate(clone, context.images, values, observer=chosen, on_progress=context.on_progress)
    decide = partial(settle, placement, calibration.ranges, scheme.to_grid, per_channel=per_channel)
    live = live_weights(clone, placement, decide(), context.images)
    grids = decide(live=live)
    remarks = [clip_idle(placement, grids, live)]
    if context.scheme == "tflite":  # TensorRT's biases are float
        remarks.append(coarse_biases(placement, grids))
    write_pairs(clone, placement, grids, per_channel=per_channel)
    record(clone, context.scheme, calibration)
    layers, pictures = units.several(placement.layers, "layer"), units.several(calibration.count, "picture")
    note = f"{layers} in int8, {pictures}, observer {observer}"
    note += f", {units.several(norms, 'BatchNorm')} became convolutions" if norms else ""
    notes = (note, *remarks, *calibration.warnings)
    return Result(model=clone, matched=placement.layers, note="; ".join(filter(None, notes)))


def names(text: str) -> tuple[str, ...]:
    """Read names joined by commas."""
    return tuple(filter(None, (part.strip() for part in text.split(","))))


def write_pairs(model: ir.Model, placement: Placement, grids: Grids, *, per_channel: bool) -> None:
    """Insert the pairs of a placement, in place."""
    for weight in placement.weights:
        axis = weight.axis if per_channel else None
        insert_weight_pair(model.graph, weight.value, grids.weights[weight.value], axis)
    targets = [(node, index, grids.activations[output(node)]) for node, index in placement.rescaled]
    for value in placement.activations:
        insert_pair(model.graph, value, grids.activations[value])
    for node, index, grid in targets:
        insert_second_pair(model.graph, node, index, grid)


def record(model: ir.Model, scheme: str, calibration: Calibration) -> None:
    """Note in the graph how it was quantized."""
    model.metadata_props.update(
        {
            SCHEME: scheme,
            CALIBRATION: calibration.sha256,
            COUNT: str(calibration.count),
            OBSERVER: calibration.observer,
        }
    )


def calibration_of(model: ir.Model) -> dict[str, str | int] | None:
    """Return how a graph was calibrated, as plain JSON data; None for one that was not."""
    noted = model.metadata_props
    if CALIBRATION not in noted:
        return None
    return {"sha256": noted[CALIBRATION], "images": int(noted[COUNT]), "observer": noted[OBSERVER]}


def _nodes(model: ir.Model, wanted: Sequence[str]) -> Sequence[str]:
    known = [node.name for node in model.graph if node.name]
    for name in wanted:
        if name not in known:
            raise UnknownNameError("node of the graph", name, known)
    return wanted
