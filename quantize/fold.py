"""Folding what inference does not need.

    y = γ (w * x + b − μ) / √(σ² + ε) + β   →   y = w' * x + b'
    w' = w γ / √(σ² + ε)                         b' = (b − μ) γ / √(σ² + ε) + β

before: Conv → BatchNormalization; after: Conv. So too for ConvTranspose and Gemm, whose output channels
are the second axis of the weight, or the one that `transB` says. Zero padding before a convolution
becomes its own, and the channel order of a DepthToSpace behind one TFLite's; Dropout and Identity vanish;
nodes whose inputs are all constant are computed.
Source: Jacob et al. 2018, arXiv:1712.05877, §3.2.
"""

from collections.abc import Callable

import numpy as np
import onnx_ir as ir
from onnx_ir.passes.common import IdentityEliminationPass, RemoveUnusedNodesPass

from edgecnn.graph import roles
from edgecnn.graph.constants import compute_constants
from edgecnn.graph.nodes import attribute, constant, output
from edgecnn.quantize.depth_to_space import order_by_place
from edgecnn.quantize.padding import merge_pads
from edgecnn.quantize.passes import Result, compression_pass


@compression_pass(lossless=True)
def fold(model: ir.Model) -> Result:
    """Fold BatchNorm and padding into convolutions; drop dropout, identities, constant branches."""
    clone = model.clone()
    counts = {what: step(clone.graph) for what, step in _STEPS.items()}
    clone = IdentityEliminationPass()(clone).model
    clone = RemoveUnusedNodesPass()(clone).model
    done = [f"{number} {what}" for what, number in counts.items() if number]
    note = (
        ", ".join(done) or "no BatchNorm follows a convolution, no Pad precedes one, and nothing is constant"
    )
    return Result(model=clone, matched=sum(counts.values()), note=note)


def _fold_batch_norms(graph: ir.Graph) -> int:
    folded = 0
    for norm in [node for node in graph if node.op_type == "BatchNormalization"]:
        layer = norm.inputs[0].producer() if norm.inputs[0] is not None else None
        if layer is None or layer.op_type not in _CHANNEL_AXIS or not _only_feeds(layer, norm):
            continue
        if any(constant(value) is None for value in [*layer.inputs[1:], *norm.inputs[1:]]):
            continue  # a weight that is computed
        _merge(graph, layer, norm)
        folded += 1
    return folded


def _only_feeds(layer: ir.Node, norm: ir.Node) -> bool:
    value = output(layer)
    return not value.is_graph_output() and [use.node for use in value.uses()] == [norm]


def _merge(graph: ir.Graph, layer: ir.Node, norm: ir.Node) -> None:
    gamma, beta, mean, var = (np.asarray(constant(value), np.float64) for value in norm.inputs[1:5])
    scale = gamma / np.sqrt(var + attribute(norm, "epsilon", 1e-5))  # (c_out,)
    weight = np.asarray(constant(layer.inputs[1]))
    old_bias = constant(layer.inputs[2]) if len(layer.inputs) > 2 else None
    bias = (0.0 if old_bias is None else old_bias.astype(np.float64)) * _beta(layer) - mean
    along = _along_channels(layer, weight, scale)
    inputs = [
        layer.inputs[0],
        _replace(graph, layer, 1, (weight * along).astype(weight.dtype), norm),
        _replace(graph, layer, 2, (bias * scale + beta).astype(weight.dtype), norm),
    ]
    attributes = [item for item in layer.attributes.values() if item.name != "beta"]
    folded = ir.Node(layer.domain, layer.op_type, inputs, attributes, name=layer.name, num_outputs=1)
    ir.convenience.replace_nodes_and_values(
        graph, layer, [norm, layer], [folded], [output(norm)], [output(folded)]
    )


def _beta(layer: ir.Node) -> float:
    return float(attribute(layer, "beta", 1.0)) if layer.op_type == "Gemm" else 1.0


def _conv_axis(weight: np.ndarray, scale: np.ndarray, _layer: ir.Node) -> np.ndarray:
    return scale.reshape(-1, *[1] * (weight.ndim - 1))  # (c_out, c_in / groups, k, k)


def _transpose_axis(weight: np.ndarray, scale: np.ndarray, layer: ir.Node) -> np.ndarray:
    groups = attribute(
        layer, "group", 1
    )  # weight (c_in, c_out / groups, k, k): rows of one group share theirs
    rows = np.repeat(scale.reshape(groups, -1), weight.shape[0] // groups, axis=0)
    return rows.reshape(weight.shape[0], weight.shape[1], *[1] * (weight.ndim - 2))


def _gemm_axis(_weight: np.ndarray, scale: np.ndarray, layer: ir.Node) -> np.ndarray:
    return scale[:, None] if attribute(layer, "transB", 0) else scale[None, :]


_CHANNEL_AXIS: dict[str, Callable[[np.ndarray, np.ndarray, ir.Node], np.ndarray]] = {
    "Conv": _conv_axis,
    "ConvTranspose": _transpose_axis,
    "Gemm": _gemm_axis,
}


def _along_channels(layer: ir.Node, weight: np.ndarray, scale: np.ndarray) -> np.ndarray:
    return _CHANNEL_AXIS[layer.op_type](weight, scale, layer)


def _replace(graph: ir.Graph, layer: ir.Node, index: int, array: np.ndarray, norm: ir.Node) -> ir.Value:
    """Register a new initializer for an input of `layer`, under the old name if nobody else reads that."""
    old = layer.inputs[index] if index < len(layer.inputs) else None
    source = norm.inputs[2] if old is None else old  # a new bias comes from the norm's shift
    assert source is not None
    if old is None:
        name = f"{(layer.inputs[1] or source).name}".removesuffix(".weight") + ".bias"
    else:
        name = old.name or ""
    if old is not None and len(old.uses()) == 1:
        graph.initializers.pop(name)
    while name in graph.initializers:
        name += "_folded"
    tensor = ir.Tensor(array, name=name)
    value = ir.Value(
        name=name, shape=ir.Shape(array.shape), type=ir.TensorType(tensor.dtype), const_value=tensor
    )
    roles.copy_tag(source, value)
    graph.register_initializer(value)
    return value


def _drop_dropout(graph: ir.Graph) -> int:
    dropped = [node for node in graph if node.op_type == "Dropout"]
    for node in dropped:
        node.inputs[0].shape = node.inputs[0].shape or output(node).shape  # type: ignore[union-attr]
        identity = ir.node("Identity", [node.inputs[0]], name=node.name)
        ir.convenience.replace_nodes_and_values(
            graph, node, [node], [identity], [output(node)], [output(identity)]
        )
    return len(dropped)


_STEPS: dict[str, Callable[[ir.Graph], int]] = {
    "BatchNorm folded": _fold_batch_norms,
    "Pad merged": merge_pads,
    "DepthToSpace reordered": order_by_place,
    "dropout removed": _drop_dropout,
    "constant nodes computed": compute_constants,
}
