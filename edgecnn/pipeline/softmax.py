"""Appending a softmax over the classes, so that what ships gives probabilities."""

from dataclasses import replace

import onnx_ir as ir

from edgecnn.errors import EdgeCnnError
from edgecnn.graph.nodes import static_shape
from edgecnn.pipeline.network import Network

_NAME = "softmax"


def with_softmax(network: Network) -> Network:
    """Return the network with a softmax over axis 1 at its end, in its graph and in its module, if any."""
    graph = network.graph.clone()
    (scores,) = graph.graph.outputs
    if scores.producer() is not None and scores.producer().op_type == "Softmax":  # type: ignore[union-attr]
        raise EdgeCnnError(f"{network.title} ends in a softmax already; leave out --softmax")
    if len(static_shape(scores)) < 2:
        raise EdgeCnnError(f"{network.title} gives no scores by class; leave out --softmax")
    _append(graph.graph, scores)
    if network.module is not None:
        network.module.register_forward_hook(lambda _module, _inputs, output: output.softmax(1))
    return replace(network, graph=graph, appended=(*network.appended, _NAME))


def _append(graph: ir.Graph, scores: ir.Value) -> None:
    """Add the node; the graph's output keeps its name."""
    name = scores.name
    scores.name = f"{name}_scores"
    node = ir.node("Softmax", [scores], {"axis": 1}, name=_NAME)
    node.outputs[0].name, node.outputs[0].shape, node.outputs[0].type = name, scores.shape, scores.type
    graph.append(node)
    graph.outputs[0] = node.outputs[0]
