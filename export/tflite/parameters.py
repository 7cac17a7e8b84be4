"""The constant inputs of a node as tensors of the file: weights, biases, operands, numbers."""

import numpy as np
import onnx_ir as ir

from edgecnn.export.tflite.layout import Held, permute_features, to_file
from edgecnn.export.tflite.lowering import Lowering
from edgecnn.export.tflite.pairs import DEQUANTIZE, paired_weight
from edgecnn.export.tflite.quantization import Quantization, exactly
from edgecnn.export.tflite.refusal import refuse
from edgecnn.graph.nodes import constant


def given(node: ir.Node, place: int) -> ir.Value | None:
    """Return an optional input, or None where it is absent."""
    return node.inputs[place] if len(node.inputs) > place else None


def name_of(node: ir.Node, place: int) -> str:
    """Return the name of an input, empty where it is absent."""
    value = given(node, place)
    return "" if value is None else str(value.name)


def floats(node: ir.Node, place: int) -> np.ndarray:
    """Return the float32 array of a constant input."""
    array = constant(given(node, place))
    if array is None:
        raise refuse(node, f"its input {place} is not a constant", "make it an initializer")
    if array.dtype != np.float32:
        raise refuse(node, f"its input {place} is {array.dtype}", "only float32 networks are written")
    return array


def numbers(node: ir.Node, place: int) -> np.ndarray:
    """Return the float32 array of a constant input, also of one that is stored as integers and a scale."""
    value = given(node, place)
    dequantize = None if value is None else value.producer()
    if dequantize is None or dequantize.op_type != DEQUANTIZE:
        return floats(node, place)
    stored, scale = constant(dequantize.inputs[0]), constant(dequantize.inputs[1])
    zeros = constant(dequantize.inputs[2]) if len(dequantize.inputs) > 2 else None
    if stored is None or scale is None or (zeros is not None and zeros.any()):
        raise refuse(node, f"its input {place} is not a constant", "make it an initializer")
    return np.asarray(stored.astype(np.float64) * scale, np.float32)


def integers(node: ir.Node, place: int) -> list[int] | None:
    """Return the numbers of a constant input such as axes, or None where it is absent."""
    value = given(node, place)
    array = constant(value)
    if value is not None and array is None:
        raise refuse(node, f"its input {place} is computed", "fold constants first")
    return None if array is None else [int(number) for number in array.ravel()]


def number(node: ir.Node, place: int, default: float) -> float:
    """Return the one number of a constant input, or the default where it is absent."""
    if given(node, place) is None:
        return default
    array = floats(node, place)
    if array.size != 1:
        raise refuse(node, f"its input {place} has {array.size} numbers", "give one")
    return float(array.item())


def scalar(graph: Lowering, value: float, like: Quantization | None) -> int:
    """Return the tensor of one number, float32 or quantized as what it meets."""
    if like is None:
        return graph.constant(np.asarray([value], np.float32), f"float32:{value:.9g}")
    array = np.asarray([like.represents(value)], np.int8)
    return graph.constant(array, f"int8:{array[0]}", quantization=like)


def operand(node: ir.Node, place: int, graph: Lowering, like: Held) -> int:
    """Return a constant or computed input, laid out to broadcast against `like`."""
    value = node.inputs[place]
    if value is None or value.name in graph.held:
        held = graph.value(node, place)
        if len(held.shape) != len(like.shape) or held.blocks != like.blocks:
            raise refuse(node, "its inputs are laid out differently", "give them the same number of axes")
        return graph.arranged(node, held, like.axes).index
    array, quantization = _operand(node, place, graph)
    if array.ndim > len(like.axes):
        raise refuse(node, f"its constant {value.name!r} has more axes than its input", "squeeze it")
    name, shape, blocks = name_of(node, place), None, None
    if like.blocks and array.shape[-1:] not in ((), (1,)):
        shape, blocks = array.shape, like.blocks
        array = permute_features(array, like.blocks)
    else:
        array = to_file(array, like.axes)
        # Leading axes of length 1 say nothing and keep old kernels from their fast paths.
        lead = next((i for i, size in enumerate(array.shape) if size > 1), max(array.ndim - 1, 0))
        array = array.reshape(array.shape[lead:] or (1,))
    index = graph.constant(array, name, shape, variant=blocks, quantization=quantization)
    return index if graph.result else graph.converted(index, None)


def _operand(node: ir.Node, place: int, graph: Lowering) -> tuple[np.ndarray, Quantization | None]:
    """Return a constant as its pair has it; one number has an exact int8 form without a pair."""
    paired = paired_weight(node.inputs[place])
    if paired is not None:
        return paired.elements(), paired.quantization
    array = floats(node, place)
    if graph.result is None:
        return array, None
    elements, scale = exactly(array)
    return elements, Quantization(scale=(float(scale.item()),))
