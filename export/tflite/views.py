"""Operators that move no element: the file's tensor stays, or a RESHAPE gives it another shape."""

import math

import onnx_ir as ir

from edgecnn.export.tflite.layout import NHWC, Held, reshaped_axes
from edgecnn.export.tflite.lowering import Lowering
from edgecnn.export.tflite.parameters import integers
from edgecnn.export.tflite.refusal import refuse
from edgecnn.export.tflite.rules import lowers
from edgecnn.graph.nodes import attribute, constant, output, static_shape


@lowers("Identity")
def lower_identity(node: ir.Node, graph: Lowering) -> None:
    """Write nothing."""
    graph.alias(node, graph.value(node))


@lowers("Dropout", attributes="seed")
def lower_dropout(node: ir.Node, graph: Lowering) -> None:
    """Write nothing: dropout is training's."""
    training = constant(node.inputs[2]) if len(node.inputs) > 2 else None
    if len(node.inputs) > 2 and node.inputs[2] is not None and (training is None or training.any()):
        raise refuse(node, "it drops values at inference", "export the network in eval mode")
    graph.alias(node, graph.value(node))


@lowers("Transpose", attributes="perm")
def lower_transpose(node: ir.Node, graph: Lowering) -> None:
    """Write nothing: the axes get other names; who cannot take them so refuses."""
    held = graph.value(node)
    perm = attribute(node, "perm", tuple(reversed(range(len(held.shape)))))
    if held.blocks:
        raise refuse(node, "it transposes a flattened image", "move it out of the network")
    shape = tuple(held.shape[axis] for axis in perm)
    graph.expect(node, shape)
    axes = tuple(perm.index(axis) for axis in held.axes)
    graph.alias(node, Held(index=held.index, shape=shape, axes=axes))


@lowers("Flatten Reshape Squeeze Unsqueeze", attributes="allowzero axes axis")
def lower_view(node: ir.Node, graph: Lowering) -> None:
    """Write a RESHAPE; a flattened image keeps its own order of elements, for the Gemm behind it."""
    held, target = graph.value(node), static_shape(output(node))
    numbers = integers(node, 1) or []
    if attribute(node, "allowzero", 0) and 0 in numbers:
        raise refuse(node, "it makes an empty tensor", "use allowzero=0")
    if math.prod(target) != math.prod(held.shape):
        graph.expect(node, held.shape)
    axes, blocks = _view(node, held, target)
    shape = tuple(target[axis] for axis in axes)
    if shape == held.file_shape:
        graph.alias(node, Held(index=held.index, shape=target, axes=axes, blocks=blocks))
        return
    inputs = (held.index, graph.shape_constant(shape))
    graph.produce("RESHAPE", inputs, output(node), axes=axes, blocks=blocks, newShape=shape)


def _view(
    node: ir.Node, held: Held, target: tuple[int, ...]
) -> tuple[tuple[int, ...], tuple[tuple[int, int, int], ...]]:
    """Return the layout of the same bytes seen as `target`."""
    axes = reshaped_axes(held.shape, held.axes, target)
    if axes is not None and (not held.blocks or held.shape == target):
        return axes, held.blocks
    if held.axes == NHWC and len(target) == 2 and target[0] == held.shape[0]:
        _, channels, height, width = held.shape
        return (0, 1), ((channels, height, width),)
    raise refuse(
        node,
        f"{held.shape} to {target} moves the channels of an image, which is a TRANSPOSE on the device",
        "keep the image, or flatten it straight into a Gemm",
    )
