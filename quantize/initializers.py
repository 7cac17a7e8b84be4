"""New initializers: a changed weight is a new tensor, never a write into the old one."""

import numpy as np
import onnx_ir as ir

from edgecnn.graph import roles


def register(graph: ir.Graph, name: str, array: np.ndarray, source: ir.Value | None) -> ir.Value:
    """Register an initializer with the role and path of another, if there is one, and return it."""
    tensor = ir.Tensor(np.ascontiguousarray(array), name=name)
    value = ir.Value(
        name=name, shape=ir.Shape(array.shape), type=ir.TensorType(tensor.dtype), const_value=tensor
    )
    if source is not None:
        roles.copy_tag(source, value)
    graph.register_initializer(value)
    return value


def free_name(graph: ir.Graph, name: str) -> str:
    """Return the name, with as many `_` behind it as it takes for no initializer to have it."""
    while name in graph.initializers:
        name += "_"
    return name


def replace(graph: ir.Graph, node: ir.Node, index: int, array: np.ndarray) -> None:
    """Give a node a new initializer under the name of the one that it alone reads."""
    old = node.inputs[index]
    assert old is not None
    graph.initializers.pop(old.name or "")
    node.replace_input_with(index, register(graph, str(old.name), array, old))
