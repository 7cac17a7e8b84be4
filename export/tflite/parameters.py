"""The constant inputs of a node as tensors of the file: weights, biases, operands, numbers."""

from collections.abc import Callable

import numpy as np
import onnx_ir as ir

from edgecnn.export.tflite.layout import Held, permute_features, to_file
from edgecnn.export.tflite.lowering import Lowering
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


def scalar(graph: Lowering, value: float) -> int:
    """Return the tensor of one number."""
    return graph.constant(np.asarray([value], np.float32), f"float32:{value:.9g}")


def weight(
    node: ir.Node,
    place: int,
    graph: Lowering,
    rank: int,
    arrange: Callable[[np.ndarray], np.ndarray],
) -> tuple[int, np.ndarray]:
    """Return the tensor of a weight, rearranged as the file wants it, and the array as ONNX has it."""
    array = floats(node, place)
    if array.ndim != rank:
        raise refuse(node, f"its weight has the shape {array.shape}", f"{rank} axes are supported")
    arranged = arrange(array)
    return graph.constant(arranged, name_of(node, place)), array


def bias(node: ir.Node, place: int, graph: Lowering, channels: int) -> int:
    """Return the tensor of an optional bias, zeros where there is none."""
    value = given(node, place)
    if value is None:
        return graph.constant(np.zeros(channels, np.float32), f"zeros:{channels}")
    return weight(node, place, graph, 1, lambda array: array)[0]


def operand(node: ir.Node, place: int, graph: Lowering, like: Held) -> int:
    """Return a constant or computed input, laid out to broadcast against `like`."""
    value = node.inputs[place]
    if value is None or value.const_value is None:
        held = graph.value(node, place)
        if len(held.shape) != len(like.shape) or held.blocks != like.blocks:
            raise refuse(node, "its inputs are laid out differently", "give them the same number of axes")
        return graph.arranged(node, held, like.axes).index
    array, name = floats(node, place), str(value.name)
    if array.ndim > len(like.axes):
        raise refuse(node, f"its constant {name!r} has more axes than its input", "squeeze it")
    if like.blocks and array.shape[-1:] not in ((), (1,)):
        return graph.constant(permute_features(array, like.blocks), name, array.shape, variant=like.blocks)
    arranged = to_file(array, like.axes)
    # Leading axes of length 1 say nothing and keep old kernels from their fast paths.
    lead = next((i for i, size in enumerate(arranged.shape) if size > 1), max(arranged.ndim - 1, 0))
    return graph.constant(arranged.reshape(arranged.shape[lead:] or (1,)), name)
