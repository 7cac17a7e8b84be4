"""In which precision a graph computes: what its weights, QuantizeLinear and DequantizeLinear say."""

import onnx_ir as ir

from edgecnn.graph.nodes import constant

_WEIGHTED = ("Conv", "ConvTranspose", "Gemm", "MatMul")
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


def layer_precisions(model: ir.Model) -> dict[str, str]:
    """Return the precision of each layer with weights, by the node's name: `int8`, `fp16` or `fp32`."""
    return {str(node.name): _computes_in(node) for node in model.graph if node.op_type in _WEIGHTED}


def _computes_in(node: ir.Node) -> str:
    read = [value for value in node.inputs[:2] if value is not None]
    if read and all(_is_dequantized(value) for value in read):
        return "int8"
    return "fp16" if any(value.dtype == ir.DataType.FLOAT16 for value in read) else "fp32"


def _is_dequantized(value: ir.Value) -> bool:
    """Tell whether a value comes out of a pair, cast to what the rest computes in or not."""
    maker = value.producer()
    if maker is not None and maker.op_type == "Cast" and maker.inputs[0] is not None:
        maker = maker.inputs[0].producer()
    return maker is not None and maker.op_type == "DequantizeLinear"


def scheme_of(model: ir.Model) -> str | None:
    """Return whose rules the pairs follow, `tflite` or `tensorrt`, where the graph says so."""
    return model.metadata_props.get(SCHEME)
