"""A fully connected layer whose weight has its output channels first, the one axis TensorRT scales along.

Gemm(x, W) = x W, MatMul(x, W) = x W   →   Gemm(x, Wᵀ, transB=1)
"""

import numpy as np
import onnx_ir as ir

from edgecnn.graph import roles
from edgecnn.graph.nodes import attribute, constant, output


def to_rows(graph: ir.Graph) -> int:
    """Rewrite, in place, each layer of a constant weight (c_in, c_out); return 0: nothing else changes."""
    for node in [node for node in graph if _takes(node)]:
        weight = node.inputs[1]
        assert weight is not None
        inputs = [node.inputs[0], _transposed(graph, weight), *node.inputs[2:]]
        kept = [item for item in node.attributes.values() if item.name != "transB"]
        gemm = ir.Node("", "Gemm", inputs, [*kept, ir.AttrInt64("transB", 1)], name=node.name, num_outputs=1)
        ir.convenience.replace_nodes_and_values(graph, node, [node], [gemm], [output(node)], [output(gemm)])
        if not weight.uses() and not weight.is_graph_output():
            graph.initializers.pop(str(weight.name))
    return 0


def _takes(node: ir.Node) -> bool:
    if node.op_type == "Gemm":
        return not attribute(node, "transB", 0) and constant(node.inputs[1]) is not None
    flat = [value is not None and value.shape is not None and len(value.shape) == 2 for value in node.inputs]
    return node.op_type == "MatMul" and all(flat) and constant(node.inputs[1]) is not None


def _transposed(graph: ir.Graph, weight: ir.Value) -> ir.Value:
    """Return the transposed weight, made once for all of its readers."""
    name = f"{weight.name}.transposed"
    if name in graph.initializers:
        return graph.initializers[name]
    array = constant(weight)
    assert array is not None
    tensor = ir.Tensor(np.ascontiguousarray(array.T), name=name)
    value = ir.Value(
        name=name, shape=ir.Shape(array.T.shape), type=ir.TensorType(tensor.dtype), const_value=tensor
    )
    roles.copy_tag(weight, value)
    graph.register_initializer(value)
    return value
