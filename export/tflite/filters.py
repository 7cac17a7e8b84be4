"""The weights and the bias of a convolution or a fully connected layer, in the file's order and type.

float32    weights and bias as they are
int8       weights int8, bias int32 with scale s_in s_w[c]
int8 weights in a float32 operator: the kernel quantizes its input as it runs, or a DEQUANTIZE
float16    weights float16 behind a DEQUANTIZE
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import onnx_ir as ir

from edgecnn.export.tflite.lowering import Lowering
from edgecnn.export.tflite.pairs import PairedWeight, paired_weight
from edgecnn.export.tflite.parameters import floats, given, name_of, numbers
from edgecnn.export.tflite.quantization import MOST, Quantization, quantize_bias, with_room_for_bias
from edgecnn.export.tflite.refusal import refuse
from edgecnn.graph.nodes import attribute

_LARGEST_HALF = float(np.finfo(np.float16).max)
Arrange = Callable[[np.ndarray], np.ndarray]


def as_is(array: np.ndarray) -> np.ndarray:
    """Return the array."""
    return array


@dataclass(frozen=True, kw_only=True)
class Filter:
    """What a layer multiplies with and adds, before it is laid out.

    Attributes:
        node: whose input 1 is the weight.
        image: the tensor that is multiplied.
        bias: float32 (c_out,).
        arrange: from (c_out, ...) to the file's order; a view where it can be one.
        first: brings the output channels of ONNX's weight to the front.
        axis: of the output channels in the file.
        shape: in the file, where it is not that of the arranged array.
        gain: what the weights are multiplied with.
        variant: tells arrangements of the same weight apart.
        hybrid: whether the operator has a float32 kernel for int8 weights.
    """

    node: ir.Node
    image: int
    bias: np.ndarray
    arrange: Arrange
    first: Arrange = as_is
    axis: int = 0
    shape: tuple[int, ...] | None = None
    gain: float = 1.0
    variant: object = None
    hybrid: bool = True

    @property
    def bias_name(self) -> str:
        """The name of the bias in the file."""
        return name_of(self.node, 2) or f"zeros:{len(self.bias)}"


def weight_shape(node: ir.Node, rank: int) -> tuple[int, ...]:
    """Return the shape of a node's weight in ONNX."""
    paired = paired_weight(node.inputs[1])
    shape = floats(node, 1).shape if paired is None else paired.shape
    if len(shape) != rank:
        raise refuse(node, f"its weight has the shape {shape}", f"{rank} axes are supported")
    return shape


def bias_of(node: ir.Node, channels: int) -> np.ndarray:
    """Return the optional bias (c_out,), zeros where there is none."""
    if given(node, 2) is None:
        return np.zeros(channels, np.float32)
    array = numbers(node, 2)
    if array.ndim != 1:
        raise refuse(node, f"its bias has the shape {array.shape}", f"({channels},) is supported")
    return array


def lay_out(graph: Lowering, found: Filter) -> tuple[int, int]:
    """Return the tensors of the weights and of the bias."""
    paired = paired_weight(found.node.inputs[1])
    if paired is None:
        return _float_weights(graph, found), _float_bias(graph, found)
    if graph.result is None:
        weights = _int8_weights(graph, found, *_elements(found, paired))
        if not (graph.dynamic and found.hybrid):
            weights = graph.converted(weights, None)
        return weights, _float_bias(graph, found)
    elements, scales = _elements(found, paired)
    if elements.min(initial=0) < -MOST:
        raise refuse(found.node, "its int8 weight has a -128, which kernels do not take", "use -127 to 127")
    image = graph.tensors[found.image].quantization
    assert image is not None
    elements, scales = with_room_for_bias(elements, scales, found.bias, image.scale[0])
    weights = _int8_weights(graph, found, elements, scales)
    bias, quantization = quantize_bias(found.bias, image.scale[0], scales)
    variant = attribute(found.node, "beta", 1.0)
    return weights, graph.constant(bias, found.bias_name, variant=variant, quantization=quantization)


def _float_weights(graph: Lowering, found: Filter) -> int:
    array = found.arrange(found.first(floats(found.node, 1)))
    if found.gain != 1:
        array = array * np.float32(found.gain)
    variant, name = (found.variant, found.gain), name_of(found.node, 1)
    if not graph.half:
        return graph.constant(array, name, found.shape, variant=variant)
    if np.abs(array).max() > _LARGEST_HALF:
        raise refuse(found.node, f"a weight is beyond {_LARGEST_HALF:g}, float16's largest", "use float32")
    half = graph.constant(array.astype(np.float16), name, found.shape, variant=variant)
    return graph.converted(half, None)


def _float_bias(graph: Lowering, found: Filter) -> int:
    return graph.constant(found.bias, found.bias_name, variant=attribute(found.node, "beta", 1.0))


def _elements(found: Filter, paired: PairedWeight) -> tuple[np.ndarray, np.ndarray]:
    """Return int8 elements with the output channels in front, and their scales."""
    scales = np.asarray(paired.quantization.scale, np.float32) * np.float32(found.gain)
    return found.first(paired.elements()), scales


def _int8_weights(graph: Lowering, found: Filter, elements: np.ndarray, scales: np.ndarray) -> int:
    quantization = Quantization(scale=tuple(scales.tolist()), axis=found.axis)
    paired = paired_weight(found.node.inputs[1])
    assert paired is not None
    return graph.constant(
        found.arrange(elements),
        str(paired.source.name),
        found.shape,
        variant=found.variant,
        quantization=quantization,
    )
