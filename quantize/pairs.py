"""Writing decisions into a graph: QuantizeLinear → DequantizeLinear behind a value.

    v → readers   →   v → QuantizeLinear → DequantizeLinear → readers

The float value stays what it was, so that the graph says both what is meant and how it is rounded. Where the
graph returns v, the DequantizeLinear takes over its name.
"""

from collections.abc import Sequence

import numpy as np
import onnx_ir as ir

from edgecnn.graph import roles
from edgecnn.graph.nodes import output
from edgecnn.quantize.grid import Grid

_OPERATORS = (
    ("QuantizeLinear", "quantize", ir.DataType.INT8),
    ("DequantizeLinear", "dequantize", ir.DataType.FLOAT),
)


def insert_pair(graph: ir.Graph, value: ir.Value, grid: Grid) -> None:
    """Put a pair of one scale behind an activation or a constant, in place; every reader gets its output."""
    scale, zero_point = np.array(grid.scale, np.float32), np.array(grid.zero_point, np.int8)
    _insert(graph, value, scale, zero_point, [])


def insert_second_pair(graph: ir.Graph, node: ir.Node, index: int, grid: Grid) -> None:
    """Put a pair in front of one input of a node, in place: the number is rounded again, to another grid."""
    scale, zero_point = np.array(grid.scale, np.float32), np.array(grid.zero_point, np.int8)
    value = node.inputs[index]
    assert value is not None
    name = f"{value.name}.for.{output(node).name}.{index}"
    result = _pair(graph, value, name, scale, zero_point)
    node.replace_input_with(index, result)


def insert_weight_pair(graph: ir.Graph, value: ir.Value, scales: np.ndarray, axis: int | None) -> None:
    """Put a symmetric pair behind a weight, in place, with a scale per channel unless `axis` is None."""
    attributes = [] if axis is None else [ir.AttrInt64("axis", axis)]
    _insert(graph, value, scales.astype(np.float32), np.zeros(scales.shape, np.int8), attributes)


def _insert(
    graph: ir.Graph, value: ir.Value, scale: np.ndarray, zero_point: np.ndarray, attributes: list[ir.Attr]
) -> None:
    name, uses, returned = str(value.name), tuple(value.uses()), value.is_graph_output()
    if returned:
        value.name = f"{name}.computed"
    result = _pair(graph, value, name, scale, zero_point, attributes)
    for use in uses:
        use.node.replace_input_with(use.idx, result)
    if returned:
        result.name = name
        graph.outputs[list(graph.outputs).index(value)] = result


def _pair(
    graph: ir.Graph,
    value: ir.Value,
    name: str,
    scale: np.ndarray,
    zero_point: np.ndarray,
    attributes: Sequence[ir.Attr] = (),
) -> ir.Value:
    """Add a pair behind a value and return its output, which nobody reads yet."""
    settings = [_constant(graph, f"{name}.scale", scale), _constant(graph, f"{name}.zero_point", zero_point)]
    made, source = [], value
    for operator, word, dtype in _OPERATORS:
        node = ir.Node("", operator, [source, *settings], attributes, name=f"{name}.{word}", num_outputs=1)
        source = output(node)
        source.name, source.dtype = f"{name}.{word}d", dtype
        source.shape = None if value.shape is None else ir.Shape(tuple(value.shape))
        made.append(node)
    producer = value.producer()
    if producer is not None:
        graph.insert_after(producer, made)
    else:
        graph.insert_before(graph[0], made)
    return source


def _constant(graph: ir.Graph, name: str, array: np.ndarray) -> ir.Value:
    tensor = ir.Tensor(array, name=name)
    value = ir.Value(
        name=name, shape=ir.Shape(array.shape), type=ir.TensorType(tensor.dtype), const_value=tensor
    )
    roles.tag(value, roles.CONSTANT, name)
    graph.register_initializer(value)
    return value
