"""Operators younger than opset 13, written with those it has.

    HardSwish           x HardSigmoid(x), slope 1/6, shift 1/2
    Gelu                x (1 + erf(x / √2)) / 2, or x (1 + tanh(√(2/π) (x + 0.044715 x³))) / 2
    Mish                x tanh(ln(1 + exp x))
    LayerNormalization  (x - E[x]) / √(E[(x - E[x])²] + ε) · scale + bias

Each is the function that ONNX itself defines the operator by. A part has the name of the node that it is of,
so that who cannot take it names that. Sources: the ONNX operator schemas of opsets 14, 17, 18 and 20.
"""

import math
from collections.abc import Callable, Mapping

import numpy as np
import onnx_ir as ir

from edgecnn.errors import EdgeCnnError
from edgecnn.graph.nodes import attribute, describe, output

_CUBIC = 0.044715


class _Parts:
    """The nodes that take the place of one."""

    def __init__(self, node: ir.Node, graph: ir.Graph) -> None:
        self.nodes: list[ir.Node] = []
        self._graph = graph
        self._name = node.name or str(output(node).name)
        self._dtype = output(node).dtype or ir.DataType.FLOAT

    def add(self, operator: str, *inputs: ir.Value | None, **attributes: object) -> ir.Value:
        """Add a node and return its output."""
        name = f"{self._name}/{operator.lower()}{len(self.nodes)}"
        node = ir.node(operator, list(inputs), attributes, name=name)  # type: ignore[arg-type]
        output(node).name, output(node).dtype = f"{name}:0", self._dtype
        self.nodes.append(node)
        return output(node)

    def number(self, value: float) -> ir.Value:
        """Return a constant of the node's type."""
        name = f"{self._name}/number{len(self.nodes)}.{value:g}"
        tensor = ir.tensor(np.array(value, self._dtype.numpy()), name=name)
        made = ir.Value(name=name, shape=ir.Shape(()), type=ir.TensorType(self._dtype), const_value=tensor)
        self._graph.register_initializer(made)
        return made


def _hard_swish(node: ir.Node, parts: _Parts) -> ir.Value:
    gate = parts.add("HardSigmoid", node.inputs[0], alpha=1 / 6, beta=0.5)
    return parts.add("Mul", node.inputs[0], gate)


def _gelu(node: ir.Node, parts: _Parts) -> ir.Value:
    x = node.inputs[0]
    form = attribute(node, "approximate", "none")
    if form == "tanh":
        cube = parts.add("Mul", parts.add("Mul", x, x), x)
        inner = parts.add("Add", x, parts.add("Mul", cube, parts.number(_CUBIC)))
        curve = parts.add("Tanh", parts.add("Mul", inner, parts.number(math.sqrt(2 / math.pi))))
    elif form == "none":
        curve = parts.add("Erf", parts.add("Mul", x, parts.number(math.sqrt(0.5))))
    else:
        raise EdgeCnnError(f"{describe(node)} has approximate={form}; ONNX knows none and tanh")
    gate = parts.add("Add", curve, parts.number(1.0))
    return parts.add("Mul", parts.add("Mul", x, gate), parts.number(0.5))


def _mish(node: ir.Node, parts: _Parts) -> ir.Value:
    return parts.add("Mul", node.inputs[0], parts.add("Tanh", parts.add("Softplus", node.inputs[0])))


def _layer_normalization(node: ir.Node, parts: _Parts) -> ir.Value:
    x, scale, bias = (*node.inputs, None)[:3]
    axes = _normalized_axes(node)
    if any(extra.uses() or extra.is_graph_output() for extra in node.outputs[1:]):
        raise EdgeCnnError(f"{describe(node)} also gives its mean or deviation, which opset 13 does not")
    centred = parts.add("Sub", x, parts.add("ReduceMean", x, axes=axes, keepdims=1))
    variance = parts.add("ReduceMean", parts.add("Mul", centred, centred), axes=axes, keepdims=1)
    epsilon = parts.number(attribute(node, "epsilon", 1e-5))
    normal = parts.add("Div", centred, parts.add("Sqrt", parts.add("Add", variance, epsilon)))
    scaled = parts.add("Mul", normal, scale)
    return scaled if bias is None else parts.add("Add", scaled, bias)


def _normalized_axes(node: ir.Node) -> list[int]:
    """Return the axes from `axis` to the last, counted from the end."""
    axis, shape = attribute(node, "axis", -1), node.inputs[0].shape if node.inputs[0] else None
    if axis >= 0 and shape is None:
        raise EdgeCnnError(
            f"{describe(node)} counts axis={axis} of an input of unknown rank; give it below 0"
        )
    first = axis if axis < 0 or shape is None else axis - len(shape)
    return list(range(first, 0))


_BODIES: Mapping[str, Callable[[ir.Node, _Parts], ir.Value]] = {
    "Gelu": _gelu,
    "HardSwish": _hard_swish,
    "LayerNormalization": _layer_normalization,
    "Mish": _mish,
}
DECOMPOSED = frozenset(_BODIES)


def decompose(node: ir.Node) -> None:
    """Put the parts of one of `DECOMPOSED` in its place."""
    graph, old = node.graph, output(node)
    assert isinstance(graph, ir.Graph)
    parts = _Parts(node, graph)
    result = _BODIES[node.op_type](node, parts)
    result.shape = old.shape
    ir.convenience.replace_nodes_and_values(graph, node, [node], parts.nodes, [old], [result])
