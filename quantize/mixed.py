"""Mixed precision: the layers that lose most by rounding stay in float.

    before: x' → Conv(w')   →   after: x' → Conv(w)        w' is rounded to int8, w is not

The layers are those of least SQNR in `sensitivity`, measured one at a time on the calibration pictures. What
they read is still rounded where an int8 layer wrote it or reads it; between two of them nothing is rounded.
A float layer is a float operator in a .tflite file and fp16 in a TensorRT engine that allows it.
Source: Nagel et al. 2021, arXiv:2106.08295, §3.7; Wu et al. 2020, arXiv:2004.09602, §5.2 (partial).
"""

import math
from collections.abc import Iterable

import onnx_ir as ir

from edgecnn.errors import EdgeCnnError
from edgecnn.graph.nodes import constant, output
from edgecnn.quantize.bare import drop, pairs
from edgecnn.quantize.channels import LAYERS
from edgecnn.quantize.context import Context
from edgecnn.quantize.passes import Result, compression_pass
from edgecnn.quantize.sensitivity import sensitivity

# What an operator applies to its own output; between two float layers it is float, too.
_APPLIED = frozenset({"Relu", "Clip", "LeakyRelu", "PRelu"})


@compression_pass(lossless=False, needs=("images",), after=("fold", "int8"), once=True)
def mixed(model: ir.Model, *, context: Context, float_layers: float = 1.0) -> Result:
    """Keep the most sensitive layers of an int8 graph in float: a number, or a fraction below 1 of all."""
    check_float_layers(float_layers)
    assert context.images is not None
    records = sensitivity(model, context.images(), on_progress=context.on_progress)
    number = math.ceil(float_layers * len(records)) if float_layers < 1 else int(float_layers)
    worst = sorted(records, key=lambda record: record.sqnr_db)[:number]
    if not worst:
        return Result(model=model.clone(), matched=0, note="no layer is to stay in float")
    kept = ", ".join(f"{record.layer} ({record.sqnr_db:.1f} dB)" for record in worst)
    note = f"{len(worst)} of {len(records)} layers in float: {kept}"
    return Result(model=in_float(model, [record.layer for record in worst]), matched=len(worst), note=note)


def check_float_layers(value: float) -> None:
    """Raise `EdgeCnnError` unless it is a number of layers or a fraction of them."""
    if not 0 <= value < math.inf or (value >= 1 and value != int(value)):
        raise EdgeCnnError(
            f"float_layers is {value:g}; give a number of layers, or a fraction between 0 and 1"
        )


def in_float(model: ir.Model, names: Iterable[str]) -> ir.Model:
    """Return a copy in which the weights of the named layers have no pairs, nor what passes between them."""
    clone = model.clone()
    chosen = {node for node in clone.graph if node.op_type in LAYERS and node.name in set(names)}
    for quantize, dequantize in pairs(clone.graph):
        readers = {use.node for use in output(dequantize).uses()}
        if not readers or not readers <= chosen or output(dequantize).is_graph_output():
            continue
        if constant(quantize.inputs[0]) is not None or _writer(quantize.inputs[0]) in chosen:
            drop(clone.graph, quantize, dequantize)
    return clone


def _writer(value: ir.Value | None) -> ir.Node | None:
    """Return the node that computed a value, before what it applies to its own output."""
    node = None if value is None else value.producer()
    while node is not None and node.op_type in _APPLIED and node.inputs[0] is not None:
        node = node.inputs[0].producer()
    return node
