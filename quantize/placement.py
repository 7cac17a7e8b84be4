"""Which values of a graph int8 quantizes, and which of them have to share one grid.

x → Conv → Relu → MaxPool → y        pairs on x, the weight, Relu's output and y; the last two share theirs
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

import onnx_ir as ir

from edgecnn.errors import EdgeCnnError
from edgecnn.graph.nodes import attribute, constant, describe
from edgecnn.quantize.grid import Grid
from edgecnn.quantize.groups import Groups

_QUANTIZED = {
    *("QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear", "QLinearConv", "QLinearMatMul"),
    *("ConvInteger", "MatMulInteger"),
}
# The axis of a weight's output channels; a Gemm's is 0 where transB says so.
CHANNEL_AXES = {"Conv": 0, "ConvTranspose": 1, "Gemm": 1, "MatMul": 1}


@dataclass(frozen=True)
class Weight:
    """A weight, the axis of its output channels, and the nodes that read it."""

    value: ir.Value
    axis: int
    readers: list[ir.Node] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class Placement:
    """Where pairs go.

    Attributes:
        activations: the values that get a pair, in execution order, constants among them where they first
            are read.
        groups: which of them share a grid.
        fixed: the grids that operators dictate, by value.
        derived: values whose numbers come from others of their group, so that they need no calibration.
        rescaled: inputs (node, index) that get a second pair of the group of the node's output, because
            an operator dictates the grid of what they read.
        weights: of the layers in int8.
    """

    activations: tuple[ir.Value, ...]
    groups: Groups[ir.Value]
    fixed: dict[ir.Value, Grid]
    derived: frozenset[ir.Value]
    weights: tuple[Weight, ...]
    rescaled: tuple[tuple[ir.Node, int], ...] = ()

    @property
    def layers(self) -> int:
        """How many layers have an int8 weight."""
        return sum(len(weight.readers) for weight in self.weights)


def refuse_quantized(model: ir.Model) -> None:
    """Raise `EdgeCnnError` where a graph is quantized already, or in float16."""
    for node in model.graph.all_nodes():
        if node.op_type in _QUANTIZED:
            raise EdgeCnnError(
                f"the graph is quantized already: {describe(node)}; give the float graph it was made from"
            )
    if any(value.dtype == ir.DataType.FLOAT16 for value in model.graph.initializers.values()):
        raise EdgeCnnError("the graph is in fp16, and pairs are of float32; quantize first: int8 | fp16")


def layer_weights(nodes: Iterable[ir.Node]) -> tuple[Weight, ...]:
    """Return the weights of layers; raise `EdgeCnnError` for one that is computed or read by two axes."""
    found: dict[ir.Value, Weight] = {}
    for node in nodes:
        value = node.inputs[1]
        if value is None or constant(value) is None:
            raise EdgeCnnError(f"{describe(node)} has a computed weight, which has no int8 form")
        transposed = node.op_type == "Gemm" and attribute(node, "transB", 0)
        axis = 0 if transposed else CHANNEL_AXES[node.op_type]
        weight = found.setdefault(value, Weight(value, axis))
        if weight.axis != axis:
            both = f"{describe(weight.readers[0])} and {describe(node)}"
            raise EdgeCnnError(f"{both} read one weight by different axes; give each its own")
        weight.readers.append(node)
    return tuple(found.values())
