"""QuantizeLinear and DequantizeLinear of activations: another type, or nothing where the file has it so."""

from dataclasses import replace

import onnx_ir as ir

from edgecnn.export.tflite.lowering import Lowering
from edgecnn.export.tflite.pairs import DEQUANTIZE, QUANTIZE, quantization_of, reads_a_weight
from edgecnn.export.tflite.refusal import refuse
from edgecnn.export.tflite.rules import lowers
from edgecnn.graph.nodes import output


@lowers(QUANTIZE, attributes="axis saturate")
def lower_quantize(node: ir.Node, graph: Lowering) -> None:
    """Write QUANTIZE, unless the operator before gives these int8 elements itself."""
    if reads_a_weight(node):
        return
    found = quantization_of(node)
    if found.per_channel:
        raise refuse(node, "it quantizes an activation by channel", "use one scale for each activation")
    held = graph.stored(node)
    index = graph.converted(held.index, found)
    graph.held[str(output(node).name)] = replace(held, index=index)


@lowers(DEQUANTIZE, attributes="axis")
def lower_dequantize(node: ir.Node, graph: Lowering) -> None:
    """Write nothing: who reads it in float32 asks for a DEQUANTIZE."""
    if not reads_a_weight(node):
        graph.alias(node, graph.stored(node))
