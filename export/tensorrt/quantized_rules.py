"""TensorRT's rules for graphs with QuantizeLinear and DequantizeLinear.

    q = round(x / scale)        int8, symmetric, zero point 0, scale > 0 in float32

Activations per tensor, weights per output channel, biases in float. What TensorRT accepts and reads wrongly
is an error here too: uint8, a scale per channel on an activation, weights quantized along another axis.
"""

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
import onnx_ir as ir

from edgecnn.export.tensorrt.findings import ERROR, WARNING, Finding
from edgecnn.graph.nodes import attribute, constant, describe

_LINEAR = ("QuantizeLinear", "DequantizeLinear")
_WEIGHTED = ("Conv", "ConvTranspose", "Gemm", "MatMul")
_FUSED_AFTER_CONV = ("Relu", "Clip")
# Where the output channels of the weights lie; a transposed convolution has (c_in, c_out / groups, k, k).
_OUTPUT_AXIS = {"ConvTranspose": 1}


def is_constant(value: ir.Value) -> bool:
    """Return whether a value is an initializer, or one behind QuantizeLinear and DequantizeLinear."""
    node = value.producer()
    while node is not None and node.op_type in _LINEAR and node.inputs[0] is not None:
        value = node.inputs[0]
        node = value.producer()
    return value.const_value is not None


def _scales(model: ir.Model) -> Iterator[Finding]:
    error = partial(Finding, severity=ERROR, rule="scale")
    for node in _linear(model):
        scale = constant(node.inputs[1])
        if scale is None:
            yield error(place=describe(node), message="its scale is computed; make it a constant")
        elif scale.dtype != np.float32 or not np.all(np.isfinite(scale)) or not np.all(scale > 0):
            yield error(place=describe(node), message="its scale must be float32, finite and above 0")


def _zero_points(model: ir.Model) -> Iterator[Finding]:
    error = partial(Finding, severity=ERROR, rule="zero point")
    for node in _linear(model):
        zero_point = constant(node.inputs[2]) if len(node.inputs) > 2 else None
        if zero_point is None:
            # ONNX's default is uint8 for QuantizeLinear; for DequantizeLinear it follows the input.
            if node.op_type == "QuantizeLinear":
                yield error(
                    place=describe(node), message="it has no zero point, which means uint8; give int8 0"
                )
        elif zero_point.dtype not in (np.int8, np.int32):
            text = f"its zero point is {zero_point.dtype}; TensorRT reads it as int8: quantize to int8"
            yield error(place=describe(node), message=text)
        elif np.any(zero_point):
            yield error(place=describe(node), message="its zero point must be 0: quantize symmetrically")


def _stored_types(model: ir.Model) -> Iterator[Finding]:
    for node in _linear(model):
        value = node.inputs[0]
        if node.op_type != "DequantizeLinear" or value is None or value.dtype == ir.DataType.INT8:
            continue
        kind = "an int32 bias" if value.dtype == ir.DataType.INT32 else f"{value.dtype}"
        text = f"it dequantizes {kind}; TensorRT takes int8 only: keep biases in float"
        yield Finding(severity=ERROR, rule="stored type", place=describe(node), message=text)


def _granularity(model: ir.Model) -> Iterator[Finding]:
    error = partial(Finding, severity=ERROR, rule="granularity")
    for node in _linear(model):
        scale, value = constant(node.inputs[1]), node.inputs[0]
        if scale is None or scale.size == 1 or value is None:
            continue
        if not is_constant(value):
            yield error(place=describe(node), message="an activation needs one scale, not one per channel")
            continue
        for user in _weighted_users(node):
            axis, wanted = attribute(node, "axis", 1), _OUTPUT_AXIS.get(user.op_type, 0)
            if axis != wanted:
                text = f"weights of {user.op_type} are quantized along axis {wanted}, this is axis {axis}"
                yield error(place=describe(node), message=text)


def _biases(model: ir.Model) -> Iterator[Finding]:
    for node in model.graph.all_nodes():
        bias = node.inputs[2] if node.op_type in _WEIGHTED and len(node.inputs) > 2 else None
        producer = bias.producer() if bias is not None else None
        if producer is not None and producer.op_type in _LINEAR:
            text = "its bias is quantized; keep it in float"
            yield Finding(severity=ERROR, rule="bias", place=describe(node), message=text)


def _between_conv_and_activation(model: ir.Model) -> Iterator[Finding]:
    for node in model.graph.all_nodes():
        if node.op_type not in _FUSED_AFTER_CONV:
            continue
        source = _before_linear(node.inputs[0])
        if source is not None and source.op_type in _WEIGHTED:
            text = f"quantized between {describe(source)} and this: the two are not fused; quantize after it"
            yield Finding(severity=WARNING, rule="fusion", place=describe(node), message=text)


def _sums(model: ir.Model) -> Iterator[Finding]:
    for node in model.graph.all_nodes():
        sources = [_before_linear(value) for value in node.inputs] if node.op_type == "Add" else [None]
        if all(source is not None for source in sources):
            text = (
                "both inputs are quantized: the convolution is not fused with it; quantize the residual only"
            )
            yield Finding(severity=WARNING, rule="fusion", place=describe(node), message=text)


def _before_linear(value: ir.Value | None) -> ir.Node | None:
    """Return the node before a QuantizeLinear, DequantizeLinear pair, where the value comes out of one."""
    node = value.producer() if value is not None else None
    if node is None or node.op_type != "DequantizeLinear" or node.inputs[0] is None:
        return None
    quantize = node.inputs[0].producer()
    return quantize.inputs[0].producer() if quantize is not None and quantize.inputs[0] is not None else None


def _weighted_users(node: ir.Node) -> list[ir.Node]:
    found: list[ir.Node] = []
    for use in node.outputs[0].uses():
        user = use.node
        found += (
            [user] if user.op_type in _WEIGHTED else _weighted_users(user) if user.op_type in _LINEAR else []
        )
    return found


def _linear(model: ir.Model) -> list[ir.Node]:
    return [node for node in model.graph.all_nodes() if node.op_type in _LINEAR]


RULES: tuple[Callable[[ir.Model], Iterator[Finding]], ...] = (
    _scales,
    _zero_points,
    _stored_types,
    _granularity,
    _biases,
    _between_conv_and_activation,
    _sums,
)
