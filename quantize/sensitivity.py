"""What rounding each layer alone does to the output of the network.

    SQNR = 10 log10( Var[y] / E[(y' - y)²] )  in dB, per output the variance over pictures

y is the output in float, y' that of the same graph with the pairs of one layer alone: on its weight and on
what it reads. 6 dB are one bit. Source: Nagel et al. 2021, arXiv:2106.08295, §3.7 (one layer at a time).
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import onnx_ir as ir

from edgecnn.errors import EdgeCnnError
from edgecnn.graph.nodes import output, static_shape
from edgecnn.quantize.bare import drop, pairs, without_pairs
from edgecnn.quantize.channels import LAYERS
from edgecnn.quantize.pictures import parts_of
from edgecnn.quantize.stages import Held, cut, run
from edgecnn.runtime.piece_runner import PieceRunner

PICTURES = 32  # the error of a layer is an average over outputs and pictures: more do not change the order
_QUIET_DB = 200.0  # of an error of exactly zero, and the negative of an output that never moves


@dataclass(frozen=True, kw_only=True)
class LayerSensitivity:
    """What rounding one layer does, measured.

    Attributes:
        layer: the node's name.
        operator: such as `Conv`.
        sqnr_db: signal to quantization noise at the network's output, in dB; the less, the worse.
        agreement: the fraction of pictures (or pixels) with the same greatest output as in float.
        parameters: of the layer's weight.
    """

    layer: str
    operator: str
    sqnr_db: float
    agreement: float
    parameters: int


def sensitivity(
    model: ir.Model,
    images: Iterable[np.ndarray],
    *,
    pictures: int = PICTURES,
    on_progress: Callable[[str, int, int], None] = lambda _what, _done, _of: None,
) -> list[LayerSensitivity]:
    """Return what each quantized layer alone costs, in execution order.

    The float graph is run once, cut by cut; each layer's rounded form is run from the cut before it on.

    Args:
        model: a quantized graph.
        images: float32 batches (n, c, h, w), preprocessed.
        pictures: how many of them are used.
        on_progress: called with (what, layers done, layers in all).

    Raises:
        EdgeCnnError: the graph is not quantized, or there are too few pictures.
    """
    layers = quantized_layers(model)
    if not layers:
        raise EdgeCnnError("the graph has no quantized layer; its sensitivity is that of a recipe with int8")
    bare = without_pairs(model)
    size = static_shape(bare.graph.inputs[0])[0]
    parts = parts_of(images, size, -(-pictures // size))
    held: Held = {str(bare.graph.inputs[0].name): parts}
    truth = _outputs(bare, list(held), held)
    records: list[LayerSensitivity] = []
    for stage in cut(bare):
        held = run(bare, stage, held)
        node = layers.get(str(stage.layer.name))
        if node is not None:
            found = _outputs(alone(model, str(node.name)), stage.alive, held)
            records.append(_record(node, truth, found))
            on_progress("sensitivity", len(records), len(layers))
    return records


def quantized_layers(model: ir.Model) -> dict[str, ir.Node]:
    """Return the layers whose weight has a pair, by name, in execution order."""
    weights = {output(dequantize) for quantize, dequantize in pairs(model.graph)}
    return {
        str(node.name): node for node in model.graph if node.op_type in LAYERS and node.inputs[1] in weights
    }


def alone(model: ir.Model, name: str) -> ir.Model:
    """Return a copy whose only pairs are those that the layer `name` reads, and for it alone."""
    clone = model.clone()
    layer = next(node for node in clone.graph if node.name == name)
    for quantize, dequantize in pairs(clone.graph):
        result = output(dequantize)
        if result not in layer.inputs:
            drop(clone.graph, quantize, dequantize)
            continue
        for use in tuple(result.uses()):
            if use.node is not layer:
                use.node.replace_input_with(use.idx, quantize.inputs[0])
    return clone


def _record(node: ir.Node, truth: np.ndarray, found: np.ndarray) -> LayerSensitivity:
    noise = float(np.square(found - truth, dtype=np.float64).mean())
    signal = float(truth.var(axis=0, dtype=np.float64).mean())
    weight = node.inputs[1]
    return LayerSensitivity(
        layer=str(node.name),
        operator=node.op_type,
        sqnr_db=_decibel(signal, noise),
        agreement=float((found.argmax(axis=1) == truth.argmax(axis=1)).mean()),
        parameters=0 if weight is None else math.prod(static_shape(weight)),
    )


def _decibel(signal: float, noise: float) -> float:
    if noise == 0 or signal == 0:
        return _QUIET_DB if noise == 0 else -_QUIET_DB
    return float(np.clip(10 * math.log10(signal / noise), -_QUIET_DB, _QUIET_DB))


def _outputs(model: ir.Model, given: Sequence[str], held: Held) -> np.ndarray:
    """Return the graph's output (n, ...) from the values at a cut."""
    name = str(model.graph.outputs[0].name)
    runner = PieceRunner(model, given, (name,))
    number = len(next(iter(held.values())))
    each = [runner({each: held[each][index] for each in given})[name] for index in range(number)]
    return np.concatenate(each)
