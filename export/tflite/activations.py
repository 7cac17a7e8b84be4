"""Activations that no operator before them takes over, and Softmax."""

import math
from dataclasses import replace
from typing import Any

import numpy as np
import onnx_ir as ir

from edgecnn.export.tflite import fusion
from edgecnn.export.tflite.convolution import scale_and_shift
from edgecnn.export.tflite.layout import Held
from edgecnn.export.tflite.lowering import Lowering
from edgecnn.export.tflite.pairs import paired_weight
from edgecnn.export.tflite.parameters import floats, operand, scalar
from edgecnn.export.tflite.program import FUSED
from edgecnn.export.tflite.refusal import refuse
from edgecnn.export.tflite.rules import lowers
from edgecnn.graph.nodes import attribute, output

_CODES = {
    "Abs": "ABS",
    "Exp": "EXP",
    "HardSwish": "HARD_SWISH",
    "Neg": "NEG",
    "Relu": "RELU",
    "Sigmoid": "LOGISTIC",
    "Sqrt": "SQRT",
    "Tanh": "TANH",
}


def _elementwise(node: ir.Node, graph: Lowering, code: str, held: Held, *more: int, **options: Any) -> None:
    graph.produce(code, (held.index, *more), output(node), axes=held.axes, blocks=held.blocks, **options)


@lowers(" ".join(_CODES))
def lower_elementwise(node: ir.Node, graph: Lowering) -> None:
    """Write an activation without attributes."""
    _elementwise(node, graph, _CODES[node.op_type], graph.value(node))


@lowers("Clip")
def lower_clip(node: ir.Node, graph: Lowering) -> None:
    """Write RELU, RELU6, RELU_N1_TO_1, or MAXIMUM with the lower bound and MINIMUM with the upper one."""
    held = graph.value(node)
    code = fusion.activation(node)
    if code is not None:
        _elementwise(node, graph, code, held)
        return
    low, high = fusion.clip_bounds(node)
    if not math.isfinite(low) and not math.isfinite(high):
        graph.alias(node, held)
    elif not math.isfinite(high):
        _elementwise(node, graph, "MAXIMUM", held, scalar(graph, low, graph.result))
    elif not math.isfinite(low):
        _elementwise(node, graph, "MINIMUM", held, scalar(graph, high, graph.result))
    else:
        name = f"{output(node).name}:above"
        like = graph.result
        inputs = (held.index, scalar(graph, low, like))
        above = graph.scratch("MAXIMUM", inputs, held.file_shape, name, like=like)
        _elementwise(node, graph, "MINIMUM", replace(held, index=above), scalar(graph, high, like))


@lowers("LeakyRelu", attributes="alpha")
def lower_leaky_relu(node: ir.Node, graph: Lowering) -> None:
    """Write LEAKY_RELU."""
    _elementwise(node, graph, "LEAKY_RELU", graph.value(node), alpha=attribute(node, "alpha", 0.01))


@lowers("Elu", attributes="alpha")
def lower_elu(node: ir.Node, graph: Lowering) -> None:
    """Write ELU, which has no alpha."""
    alpha = attribute(node, "alpha", 1.0)
    if alpha != 1:
        raise refuse(node, f"TFLite's ELU has alpha 1, not {alpha:g}", "use alpha=1 or LeakyRelu")
    _elementwise(node, graph, "ELU", graph.value(node))


@lowers("PRelu")
def lower_prelu(node: ir.Node, graph: Lowering) -> None:
    """Write PRELU with a constant slope."""
    held = graph.value(node)
    if paired_weight(node.inputs[1]) is None:
        floats(node, 1)
    _elementwise(node, graph, "PRELU", held, operand(node, 1, graph, held))


@lowers("HardSigmoid", attributes="alpha beta")
def lower_hard_sigmoid(node: ir.Node, graph: Lowering) -> None:
    """Write min(max(alpha x + beta, 0), 1) as relu6(6 alpha x + 6 beta) / 6.

    In int8 it is a scale and a shift: the result's range ends where the bounds are.
    """
    alpha, beta = attribute(node, "alpha", 0.2), attribute(node, "beta", 0.5)
    if graph.result is not None:
        scale, shift = (np.asarray([each], np.float32) for each in (alpha, beta))
        scale_and_shift(node, graph, graph.image(node), scale, shift)
        return
    held, name = graph.value(node), output(node).name
    unfused = {"fusedActivationFunction": FUSED["NONE"]}
    if np.float32(6 * alpha) != 1:
        inputs = (held.index, scalar(graph, 6 * alpha, None))
        scaled = graph.scratch("MUL", inputs, held.file_shape, f"{name}:scaled", like=None, **unfused)
        held = replace(held, index=scaled)
    inputs = (held.index, scalar(graph, 6 * beta, None))
    relu6 = {"fusedActivationFunction": FUSED["RELU6"]}
    clipped = graph.scratch("ADD", inputs, held.file_shape, f"{name}:clipped", like=None, **relu6)
    _elementwise(node, graph, "MUL", replace(held, index=clipped), scalar(graph, 1 / 6, None), **unfused)


@lowers("Softmax LogSoftmax", attributes="axis")
def lower_softmax(node: ir.Node, graph: Lowering) -> None:
    """Write SOFTMAX or LOG_SOFTMAX, which run over the last axis: the channels of an image."""
    held = graph.value(node)
    axis = attribute(node, "axis", -1) % len(held.shape)
    others = tuple(other for other in held.axes if other != axis)
    held = held if held.axes[-1] == axis else graph.arranged(node, held, (*others, axis))
    if node.op_type == "Softmax":
        _elementwise(node, graph, "SOFTMAX", held, beta=1.0)
    else:
        _elementwise(node, graph, "LOG_SOFTMAX", held)
