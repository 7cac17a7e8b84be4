"""Sizes that a graph computes from its own shapes, made constants: shapes are fixed, and so are they."""

import numpy as np
import onnx_ir as ir

from edgecnn.graph import shapes
from edgecnn.graph.constants import compute_constants
from edgecnn.graph.nodes import output, static_shape
from edgecnn.quantize.initializers import register

_SHAPELY = frozenset({"Shape", "Size"})


def settle_shapes(model: ir.Model) -> ir.Model:
    """Return a clone in which Shape and Size nodes, and what follows from them, are constants."""
    clone = model.clone()
    while _settle(clone.graph):
        compute_constants(clone.graph)
        shapes.infer(clone)  # which tells the input of the next Shape node
    return clone


def _settle(graph: ir.Graph) -> bool:
    """Replace, in place, the nodes that tell a shape that is known; tell whether there were any."""
    found = [node for node in graph if _is_settled(node)]
    for node in found:
        sizes = np.asarray(static_shape(node.inputs[0]), np.int64)  # type: ignore[arg-type]
        array = sizes if node.op_type == "Shape" else np.asarray(sizes.prod(), np.int64)
        old = output(node)
        name, old.name = str(old.name), f"{old.name}.computed"
        ir.convenience.replace_all_uses_with(old, register(graph, name, array, None))
        graph.remove(node, safe=True)
    return bool(found)


def _is_settled(node: ir.Node) -> bool:
    if node.domain or node.op_type not in _SHAPELY or node.inputs[0] is None:
        return False
    shape = node.inputs[0].shape
    return shape is not None and shape.is_static() and not output(node).is_graph_output()
