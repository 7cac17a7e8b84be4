"""The weight of a layer seen by its channels: how it is scaled from the side of the input and of the output.

Every layer is (groups, c_out / groups, c_in / groups, taps), whatever the order of its weight in ONNX.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import onnx_ir as ir

from edgecnn.graph.nodes import attribute, constant
from edgecnn.quantize.initializers import replace

_Split = Callable[[ir.Node, np.ndarray], np.ndarray]


def _conv(node: ir.Node, weight: np.ndarray) -> np.ndarray:
    groups = attribute(node, "group", 1)  # weight (c_out, c_in / groups, k, k)
    return weight.reshape(groups, weight.shape[0] // groups, weight.shape[1], -1)


def _conv_transpose(node: ir.Node, weight: np.ndarray) -> np.ndarray:
    groups = attribute(node, "group", 1)  # weight (c_in, c_out / groups, k, k)
    return weight.reshape(groups, weight.shape[0] // groups, weight.shape[1], -1).swapaxes(1, 2)


def _gemm(node: ir.Node, weight: np.ndarray) -> np.ndarray:
    return (weight if attribute(node, "transB", 0) else weight.T)[None, :, :, None]


_SPLITS: dict[str, _Split] = {"Conv": _conv, "ConvTranspose": _conv_transpose, "Gemm": _gemm}
LAYERS = frozenset(_SPLITS)


@dataclass(frozen=True, kw_only=True)
class Layer:
    """A layer whose weight and bias are initializers that no other node reads."""

    node: ir.Node
    weight: np.ndarray
    bias: np.ndarray | None

    @property
    def inputs(self) -> int:
        """Return the number of input channels."""
        groups, _, c_in, _ = _SPLITS[self.node.op_type](self.node, self.weight).shape
        return int(groups * c_in)

    @property
    def matrices(self) -> np.ndarray:
        """Return the weight as (groups, c_out / groups, columns), a column for each tap of each input."""
        split = _SPLITS[self.node.op_type](self.node, self.weight)
        return split.reshape(*split.shape[:2], -1)

    @property
    def columns(self) -> int:
        """Return how many products one output sums up."""
        return int(self.matrices.shape[2])

    def with_matrices(self, matrices: np.ndarray, bias: np.ndarray | None) -> "Layer":
        """Return the layer with other weights, shaped as `matrices`, and another bias."""
        weight = np.array(self.weight, order="C")
        split = _SPLITS[self.node.op_type](self.node, weight)  # a view: writing to it writes `weight`
        split[...] = matrices.reshape(split.shape)
        return Layer(node=self.node, weight=weight, bias=bias)

    def largest(self, channels_in: int) -> np.ndarray:
        """Return the largest magnitude (groups, c_out / groups, c_in / groups) of each channel's taps.

        `channels_in` is less than the weight's own where a Flatten stands before the layer: then the
        columns of one channel count as its taps.
        """
        magnitude = np.abs(_SPLITS[self.node.op_type](self.node, self.weight)).max(axis=3).astype(np.float64)
        groups, outputs, _ = magnitude.shape
        each = magnitude.reshape(groups, outputs, channels_in // groups, -1)
        return np.asarray(each.max(axis=3))

    def scaled(self, inputs: np.ndarray | None, outputs: np.ndarray | None) -> "Layer":
        """Return the layer with its input channels times `inputs` and its output channels over `outputs`."""
        weight = np.array(self.weight, np.float64, order="C")
        split = _SPLITS[self.node.op_type](self.node, weight)  # a view: writing to it scales `weight`
        groups, c_out, c_in, _ = split.shape
        if inputs is not None:
            columns = np.repeat(inputs, groups * c_in // len(inputs))
            split *= columns.reshape(groups, 1, c_in, 1)
        bias = self.bias
        if outputs is not None:
            split /= outputs.reshape(groups, c_out, 1, 1)
            bias = None if bias is None else (bias / outputs).astype(bias.dtype)
        return Layer(node=self.node, weight=weight.astype(self.weight.dtype), bias=bias)

    def reordered(self, outputs: np.ndarray) -> "Layer":
        """Return the convolution whose output channel i is this one's `outputs[i]`."""
        bias = None if self.bias is None else self.bias[outputs]
        return Layer(node=self.node, weight=self.weight[outputs], bias=bias)

    def response(self, inputs: np.ndarray) -> np.ndarray:
        """Return the output (c_out,) for inputs that are constant by channel, without bias or padding."""
        taps = _SPLITS[self.node.op_type](self.node, self.weight).sum(axis=3, dtype=np.float64)
        groups, _, c_in = taps.shape
        columns = np.repeat(inputs, groups * c_in // len(inputs)).reshape(groups, 1, c_in)
        return np.asarray(attribute(self.node, "alpha", 1.0) * (taps * columns).sum(axis=2).reshape(-1))

    def write(self, graph: ir.Graph) -> None:
        """Put weight and bias into the graph as new tensors under their old names."""
        replace(graph, self.node, 1, self.weight)
        if self.bias is not None:
            replace(graph, self.node, 2, self.bias)


def layer(node: ir.Node) -> Layer | None:
    """Return the node as a layer; None where it is none, or its weight is computed or shared."""
    if node.op_type not in LAYERS or node.domain:
        return None
    given = [value for value in node.inputs[1:3] if value is not None]
    arrays = [constant(value) for value in given]
    if any(array is None or array.dtype.kind != "f" for array in arrays):
        return None
    if any(len(value.uses()) != 1 or value.is_graph_output() for value in given):
        return None
    if node.op_type == "Gemm" and attribute(node, "transA", 0):
        return None
    weight, bias = arrays[0], arrays[1] if len(arrays) > 1 else None
    assert weight is not None
    if bias is not None and bias.shape != (_outputs(node, weight),):
        return None  # one number for all channels, or (1, c_out) of a Gemm
    return Layer(node=node, weight=weight, bias=bias)


def _outputs(node: ir.Node, weight: np.ndarray) -> int:
    groups, outputs, _, _ = _SPLITS[node.op_type](node, weight).shape
    return int(groups * outputs)
