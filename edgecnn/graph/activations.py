"""Activations that the operator before them applies itself when it writes its output."""

import math

import onnx_ir as ir

from edgecnn.graph.nodes import constant, output


def only_reader(value: ir.Value) -> ir.Node | None:
    """Return the one node that reads `value`, or None where several do or the graph returns it."""
    uses = tuple(value.uses())
    return None if value.is_graph_output() or len(uses) != 1 else uses[0].node


def bounds(node: ir.Node) -> tuple[float, float] | None:
    """Return what a Relu or Clip limits its values to; None for a computed limit or another operator."""
    if node.op_type == "Relu":
        return 0.0, math.inf
    if node.op_type != "Clip":
        return None
    limits = []
    for place, default in ((1, -math.inf), (2, math.inf)):
        given = node.inputs[place] if len(node.inputs) > place else None
        array = constant(given)
        if given is not None and (array is None or array.size != 1):
            return None
        limits.append(default if array is None else float(array.item()))
    return limits[0], limits[1]


def fused_activation(node: ir.Node) -> ir.Node | None:
    """Return the Relu, or Clip from 0 or (-1, 1), that alone reads the node's output, or None."""
    reader = only_reader(output(node))
    if reader is None or reader.inputs[0] is not output(node):
        return None
    limits = bounds(reader)
    return reader if limits is not None and (limits[0] == 0.0 or limits == (-1.0, 1.0)) else None
