"""In which precision a graph computes: what its weights, QuantizeLinear and DequantizeLinear say."""

import onnx_ir as ir

from edgecnn.graph.nodes import constant

SCHEME = "edgecnn.scheme"  # metadata of a quantized graph: whose rules its pairs follow

STORED, HALF = "edgecnn.weights", "float16"  # metadata of a float32 graph whose weights are stored in float16


def precision_of(model: ir.Model) -> str:
    """Return `int8`, `dynamic` (int8 weights alone), `fp16` or `fp32`."""
    quantized = [node.inputs[0] for node in model.graph if node.op_type == "QuantizeLinear"]
    if any(constant(value) is None for value in quantized):
        return "int8"
    if quantized:
        return "dynamic"
    halves = (value.dtype == ir.DataType.FLOAT16 for value in model.graph.initializers.values())
    return "fp16" if any(halves) else "fp32"


def rest_of(model: ir.Model) -> str:
    """Return what a quantized graph computes in where it does not in int8, `fp16` or `fp32`."""
    made = (value.dtype == ir.DataType.FLOAT16 for node in model.graph for value in node.outputs)
    return "fp16" if any(made) else "fp32"


def stored_weights(model: ir.Model) -> str:
    """Return how a float graph wants its weights stored, `float16` or `float32`."""
    return model.metadata_props.get(STORED, "float32") if precision_of(model) == "fp32" else "float32"


def scheme_of(model: ir.Model) -> str | None:
    """Return whose rules the pairs follow, `tflite` or `tensorrt`, where the graph says so."""
    return model.metadata_props.get(SCHEME)
