"""BatchNormalization that nothing folded, and local response normalization."""

import numpy as np
import onnx_ir as ir

from edgecnn.export.tflite.convolution import scale_and_shift
from edgecnn.export.tflite.lowering import Lowering
from edgecnn.export.tflite.program import FUSED
from edgecnn.export.tflite.refusal import refuse
from edgecnn.export.tflite.rules import lowers
from edgecnn.graph.nodes import attribute, constant, output


@lowers("BatchNormalization", attributes="epsilon momentum training_mode")
def lower_batch_normalization(node: ir.Node, graph: Lowering) -> None:
    """Write gamma (x - mean) / sqrt(var + epsilon) + beta as scale and shift."""
    if attribute(node, "training_mode", 0):
        raise refuse(node, "training_mode=1 uses the batch's statistics", "export the network in eval mode")
    arrays = [constant(value) for value in node.inputs[1:]]
    if len(arrays) != 4 or any(array is None for array in arrays):
        raise refuse(node, "its parameters are not constants", "make them initializers")
    gamma, beta, mean, variance = (np.asarray(array, np.float64) for array in arrays)
    scale = gamma / np.sqrt(variance + attribute(node, "epsilon", 1e-5))
    shift = beta - mean * scale
    held = graph.value(node)
    if len(held.shape) == 4:
        scale_and_shift(node, graph, graph.image(node), scale, shift)
        return
    if len(held.shape) != 2 or held.blocks:
        raise refuse(node, "its input is no image and no feature vector", "fold it into the layer before")
    name = output(node).name
    factor = graph.constant(scale.astype(np.float32), f"{name}:scale")
    summand = graph.constant(shift.astype(np.float32), f"{name}:shift")
    unfused = {"fusedActivationFunction": FUSED["NONE"]}
    inputs = (held.index, factor)
    scaled = graph.scratch("MUL", inputs, held.file_shape, f"{name}:scaled", like=None, **unfused)
    value, fused = graph.target(node)
    graph.produce("ADD", (scaled, summand), value, axes=held.axes, **fused)


@lowers("LRN", attributes="alpha beta bias size")
def lower_lrn(node: ir.Node, graph: Lowering) -> None:
    """Write x / (bias + alpha / n sum x^2)^beta: TFLite does not divide alpha by n and takes a radius."""
    image = graph.image(node)
    size = attribute(node, "size", 0)
    if size % 2 == 0:
        raise refuse(node, f"TFLite's windows are odd, this one has {size} channels", "use an odd size")
    graph.produce(
        "LOCAL_RESPONSE_NORMALIZATION",
        (image.index,),
        output(node),
        radius=(size - 1) // 2,
        bias=attribute(node, "bias", 1.0),
        alpha=attribute(node, "alpha", 1e-4) / size,
        beta=attribute(node, "beta", 0.75),
    )
