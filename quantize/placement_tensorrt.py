"""Where TensorRT wants pairs: in front of what it computes in int8, and nowhere inside what it fuses.

    x → Conv → Relu → Conv → Add(·, x) → Relu        pairs on x, both weights and the first Relu's output

The convolution that alone feeds an Add is fused with it: only the other input, the residual, gets a pair.
Pools, concatenations and views pass the int8 numbers on by themselves. Sources: NVIDIA TensorRT developer
guide, "Explicit quantization" and "Q/DQ placement recommendations"; Wu et al. 2020, arXiv:2004.09602.
"""

from collections.abc import Collection

import onnx_ir as ir

from edgecnn.graph.activations import only_reader
from edgecnn.graph.nodes import constant, output
from edgecnn.quantize.groups import Groups
from edgecnn.quantize.placement import CHANNEL_AXES, Placement, layer_weights


def place_for_tensorrt(
    model: ir.Model, _allow_float: Collection[str] = (), keep_float: Collection[str] = ()
) -> Placement:
    """Place the pairs of a folded float graph; what has no int8 form in TensorRT runs in float there.

    Args:
        model: the graph.
        keep_float: names of nodes that stay in float.
    """
    layers = [node for node in model.graph if _has_weight(node) and node.name not in keep_float]
    wanted = {node.inputs[0] for node in layers}
    for node in model.graph:
        wanted.update(_residuals(node, layers))
    made = [*model.graph.inputs, *(output(node) for node in model.graph)]
    return Placement(
        activations=tuple(value for value in made if value in wanted),
        groups=Groups(),
        fixed={},
        derived=frozenset(),
        weights=layer_weights(layers),
    )


def _has_weight(node: ir.Node) -> bool:
    """Say whether a node is a layer; a MatMul of more than two axes has no weight that TensorRT scales."""
    return node.op_type in CHANNEL_AXES and node.op_type != "MatMul" and constant(node.inputs[1]) is not None


def _residuals(node: ir.Node, layers: Collection[ir.Node]) -> list[ir.Value]:
    """Return the inputs of an Add other than the convolution that is fused with it."""
    values = [value for value in node.inputs if value is not None] if node.op_type == "Add" else []
    fused = [value for value in values if value.producer() in layers and only_reader(value) is node]
    return [value for value in values if fused and value is not fused[-1] and constant(value) is None]
