"""Gemm and MatMul with a constant: FULLY_CONNECTED, weights (out, in).

A flattened image keeps its elements in the order (h, w, c); the weights' columns are permuted instead.
"""

import numpy as np
import onnx_ir as ir

from edgecnn.export.tflite.filters import Filter, lay_out, weight_shape
from edgecnn.export.tflite.layout import permute_features
from edgecnn.export.tflite.lowering import Lowering
from edgecnn.export.tflite.pairs import paired_weight
from edgecnn.export.tflite.parameters import given, numbers
from edgecnn.export.tflite.refusal import refuse
from edgecnn.export.tflite.rules import lowers
from edgecnn.graph.nodes import attribute


@lowers("Gemm", attributes="alpha beta transA transB")
def lower_gemm(node: ir.Node, graph: Lowering) -> None:
    """Write alpha x B + beta C."""
    if attribute(node, "transA", 0):
        raise refuse(node, "transA=1 is a TRANSPOSE of its input", "transpose before the network")
    alpha, transposed = attribute(node, "alpha", 1.0), bool(attribute(node, "transB", 0))
    _lower_dense(node, graph, transposed=transposed, alpha=alpha)


@lowers("MatMul")
def lower_matmul(node: ir.Node, graph: Lowering) -> None:
    """Write x B for a constant B (in, out) and an x with any number of leading axes."""
    _lower_dense(node, graph, transposed=False, alpha=1.0)


def _lower_dense(node: ir.Node, graph: Lowering, *, transposed: bool, alpha: float) -> None:
    held = graph.value(node)
    rank = len(held.shape)
    if not held.blocks:
        held = graph.arranged(node, held, tuple(range(rank)))
    shape = weight_shape(node, 2)
    shape = shape if transposed else shape[::-1]  # (out, in)
    graph.expect(node, (*held.shape[:-1], shape[0]))
    blocks, paired = held.blocks, paired_weight(node.inputs[1])
    found = Filter(
        node=node,
        image=held.index,
        bias=_bias(node, shape[0]),
        arrange=lambda rows: permute_features(rows, blocks) if blocks else rows,
        first=lambda matrix: matrix if transposed else matrix.T,
        shape=shape,
        gain=alpha,
        variant=blocks,
        # For float32 features, tflite-runtime 2.14 takes a scale for each row and computes nonsense.
        hybrid=paired is not None and not paired.quantization.per_channel,
    )
    if alpha <= 0 and paired is not None:
        raise refuse(node, f"a scale cannot take in alpha={alpha:g}", "multiply the weight with it")
    weights, bias = lay_out(graph, found)
    quantization = graph.tensors[weights].quantization if graph.result else None
    value, fused = graph.target(node)
    graph.produce(
        "FULLY_CONNECTED",
        (held.index, weights, bias),
        value,
        axes=tuple(range(rank)),
        # Converters say 12 for a scale for each row, which old runtimes refuse; they compute it all the same.
        version=5 if rank != 2 or (quantization and quantization.per_channel) else 1,
        keepNumDims=rank != 2,
        **fused,
    )


def _bias(node: ir.Node, out: int) -> np.ndarray:
    """Return the bias (out,) from anything that broadcasts to one row."""
    if given(node, 2) is None:
        return np.zeros(out, np.float32)
    array, beta = numbers(node, 2), np.float32(attribute(node, "beta", 1.0))
    if array.size != 1 and array.shape not in ((out,), (1, out)):
        raise refuse(node, f"its bias has the shape {array.shape}", f"({out},) is supported")
    row = np.ascontiguousarray(np.broadcast_to(array.ravel(), (out,)))
    return row if beta == 1 else row * beta
