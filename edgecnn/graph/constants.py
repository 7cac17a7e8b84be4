"""Computing nodes whose inputs are all constant, once and for all."""

from collections.abc import Mapping

import numpy as np
import onnx_ir as ir

from edgecnn.graph.nodes import constant, output
from edgecnn.graph.opset import OPSET

# A dequantized weight is meant to stay one: its int8 form and scale are decisions.
_KEPT = frozenset({"QuantizeLinear", "DequantizeLinear"})


def compute_constants(graph: ir.Graph) -> int:
    """Replace, in place, each node of constant inputs by an initializer; return how many there were."""
    computed = 0
    for node in list(graph):
        inputs = {value.name or "": constant(value) for value in node.inputs if value is not None}
        known = inputs and all(array is not None for array in inputs.values())
        if not known or node.op_type in _KEPT or len(node.outputs) != 1 or output(node).is_graph_output():
            continue
        _replace(graph, node, evaluate(node, inputs))
        computed += 1
    return computed


def evaluate(node: ir.Node, inputs: Mapping[str, np.ndarray | None]) -> np.ndarray:
    """Return the first output of a node of opset 13, by the names of its inputs, as ONNX's reference does."""
    from onnx import TensorProto, helper
    from onnx.reference import ReferenceEvaluator

    shapeless = [helper.make_tensor_value_info(name, TensorProto.UNDEFINED, None) for name in inputs]
    result = helper.make_tensor_value_info(output(node).name or "", TensorProto.UNDEFINED, None)
    graph = helper.make_graph([ir.to_proto(node)], "constant", shapeless, [result])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)])
    (array,) = ReferenceEvaluator(model).run(None, dict(inputs))
    return np.asarray(array)


def _replace(graph: ir.Graph, node: ir.Node, array: np.ndarray) -> None:
    old = output(node)
    tensor = ir.Tensor(array, name=old.name)
    value = ir.Value(
        name=old.name, shape=ir.Shape(array.shape), type=ir.TensorType(tensor.dtype), const_value=tensor
    )
    ir.convenience.replace_all_uses_with(old, value)
    graph.remove(node, safe=True)
    graph.register_initializer(value)
