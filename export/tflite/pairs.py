"""Reading the decisions of a quantized ONNX graph: QuantizeLinear -> DequantizeLinear pairs.

activation: x -> Q -> DQ -> readers          weight: initializer -> Q -> DQ -> operator
"""

from dataclasses import dataclass, replace

import numpy as np
import onnx_ir as ir

from edgecnn.export.tflite.quantization import LEAST, Quantization, quantize
from edgecnn.export.tflite.refusal import refuse
from edgecnn.graph.nodes import attribute, constant, static_shape

QUANTIZE, DEQUANTIZE = "QuantizeLinear", "DequantizeLinear"


@dataclass(frozen=True, kw_only=True)
class PairedWeight:
    """A constant behind a pair: its initializer, and how its elements are quantized (axes as in ONNX)."""

    source: ir.Value
    quantization: Quantization

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape in ONNX."""
        array = constant(self.source)
        assert array is not None
        return array.shape

    def elements(self) -> np.ndarray:
        """Return the int8 elements, in ONNX's axes."""
        array = constant(self.source)
        assert array is not None
        return quantize(array, self.quantization) if array.dtype == np.float32 else array.astype(np.int8)


def quantization_of(node: ir.Node) -> Quantization:
    """Return what a QuantizeLinear or DequantizeLinear decides; uint8 is int8 with 128 less."""
    scale, zero = constant(node.inputs[1]), _zero_point(node)
    if scale is None or not np.isfinite(scale).all() or scale.min() <= 0:
        raise refuse(node, "its scale is not constant and positive", "quantize the graph again")
    if zero is None or zero.dtype not in (np.int8, np.uint8):
        kind = "computed" if zero is None else str(zero.dtype)
        raise refuse(node, f"its zero point is {kind}", "only 8-bit networks are written")
    points = np.unique(zero.astype(np.int64) + (LEAST if zero.dtype == np.uint8 else 0))
    if len(points) != 1:
        raise refuse(node, "its zero points differ by channel", "quantize weights symmetrically")
    found = Quantization(scale=tuple(scale.ravel().tolist()), zero_point=int(points[0]))
    return replace(found, axis=_axis(node)) if found.per_channel else found


def _zero_point(node: ir.Node) -> np.ndarray | None:
    if len(node.inputs) < 3 or node.inputs[2] is None:
        return np.zeros(1, np.uint8)
    return constant(node.inputs[2])


def _axis(node: ir.Node) -> int:
    """Return the axis of the scales; a negative one counts from the end."""
    axis, value = int(attribute(node, "axis", 1)), node.inputs[0]
    return axis if axis >= 0 or value is None else axis + _rank(value)


def _rank(value: ir.Value) -> int:
    return len(static_shape(value) if value.const_value is None else value.const_value.shape)


def paired_weight(value: ir.Value | None) -> PairedWeight | None:
    """Return the constant behind `value`, or None where no DequantizeLinear of a constant gives it."""
    dequantize = None if value is None else value.producer()
    if dequantize is None or dequantize.op_type != DEQUANTIZE:
        return None
    source = _source(dequantize)
    array = constant(source)
    if source is None or array is None or array.dtype not in (np.float32, np.int8):
        return None  # computed, or a bias in int32
    return PairedWeight(source=source, quantization=quantization_of(dequantize))


def _source(dequantize: ir.Node) -> ir.Value | None:
    """Return what the pair of a DequantizeLinear starts from."""
    stored = dequantize.inputs[0]
    node = None if stored is None else stored.producer()
    return node.inputs[0] if node is not None and node.op_type == QUANTIZE else stored


def reads_a_weight(node: ir.Node) -> bool:
    """Say whether a Q or DQ node belongs to the pair of a constant."""
    if node.op_type == DEQUANTIZE:
        return constant(_source(node)) is not None
    return node.op_type == QUANTIZE and constant(node.inputs[0]) is not None


def has_activation_pairs(model: ir.Model) -> bool:
    """Say whether the graph quantizes any activation."""
    return any(node.op_type == QUANTIZE and not reads_a_weight(node) for node in model.graph)


def has_weight_pairs(model: ir.Model) -> bool:
    """Say whether the graph quantizes any weight."""
    return any(node.op_type == DEQUANTIZE and reads_a_weight(node) for node in model.graph)
