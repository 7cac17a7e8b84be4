"""Gemm and MatMul with a constant: FULLY_CONNECTED, weights (out, in).

A flattened image keeps its elements in the order (h, w, c); the weights' columns are permuted instead.
"""

import numpy as np
import onnx_ir as ir

from edgecnn.export.tflite.layout import Held, permute_features
from edgecnn.export.tflite.lowering import Lowering
from edgecnn.export.tflite.parameters import floats, given, name_of
from edgecnn.export.tflite.refusal import refuse
from edgecnn.export.tflite.rules import lowers
from edgecnn.graph.nodes import attribute


@lowers("Gemm", attributes="alpha beta transA transB")
def lower_gemm(node: ir.Node, graph: Lowering) -> None:
    """Write alpha x B + beta C."""
    if attribute(node, "transA", 0):
        raise refuse(node, "transA=1 is a TRANSPOSE of its input", "transpose before the network")
    alpha = np.float32(attribute(node, "alpha", 1.0))
    _lower_dense(node, graph, transposed=bool(attribute(node, "transB", 0)), alpha=alpha)


@lowers("MatMul")
def lower_matmul(node: ir.Node, graph: Lowering) -> None:
    """Write x B for a constant B (in, out) and an x with any number of leading axes."""
    _lower_dense(node, graph, transposed=False, alpha=np.float32(1))


def _lower_dense(node: ir.Node, graph: Lowering, *, transposed: bool, alpha: np.float32) -> None:
    held = graph.value(node)
    rank = len(held.shape)
    if not held.blocks:
        held = graph.arranged(node, held, tuple(range(rank)))
    matrix = floats(node, 1)
    if matrix.ndim != 2:
        raise refuse(node, f"its weight has the shape {matrix.shape}", "2 axes are supported")
    rows = matrix if transposed else matrix.T  # (out, in)
    graph.expect(node, (*held.shape[:-1], len(rows)))
    value, fused = graph.target(node)
    graph.produce(
        "FULLY_CONNECTED",
        (held.index, _weights(node, graph, held, rows, alpha), _bias(node, graph, len(rows))),
        value,
        axes=tuple(range(rank)),
        version=1 if rank == 2 else 5,
        keepNumDims=rank != 2,
        **fused,
    )


def _weights(node: ir.Node, graph: Lowering, held: Held, rows: np.ndarray, alpha: np.float32) -> int:
    """Return the weights (out, in) with their columns in the order of the input's elements."""
    shape = rows.shape
    if held.blocks:
        rows = permute_features(rows, held.blocks)
    if alpha != 1:
        rows = rows * alpha
    return graph.constant(rows, name_of(node, 1), shape, variant=(held.blocks, alpha))


def _bias(node: ir.Node, graph: Lowering, out: int) -> int:
    """Return the bias (out,) from anything that broadcasts to one row."""
    if given(node, 2) is None:
        return graph.constant(np.zeros(out, np.float32), f"zeros:{out}")
    array, beta = floats(node, 2), np.float32(attribute(node, "beta", 1.0))
    if array.size != 1 and array.shape not in ((out,), (1, out)):
        raise refuse(node, f"its bias has the shape {array.shape}", f"({out},) is supported")
    row = np.ascontiguousarray(np.broadcast_to(array.ravel(), (out,)))
    return graph.constant(row if beta == 1 else row * beta, name_of(node, 2), variant=beta)
