"""BatchNorms whose input has changed: shifted, and stated anew in the statistics of what they read.

    y = γ (x − μ) / √(σ² + ε) + β = γ' (x − μ') / √(σ'² + ε) + β'
    γ' = γ √(σ'² + ε) / √(σ² + ε)        β' = β + γ (μ' − μ) / √(σ² + ε)

μ' and σ'² are the mean and the variance of x over pictures: outputs stay as they are, and a training, which
normalizes by each batch's own statistics, begins where inference is.
"""

from collections.abc import Sequence

import numpy as np
import onnx_ir as ir

from edgecnn.graph.nodes import attribute, constant, output
from edgecnn.quantize.initializers import replace
from edgecnn.runtime.onnx_runner import OnnxRunner

_SCALE, _SHIFT, _MEAN, _VARIANCE = 1, 2, 3, 4  # which inputs of a BatchNormalization
_EPSILON = 1e-5  # where the node names none


def norm_behind(node: ir.Node) -> ir.Node | None:
    """Return the BatchNorm that alone reads a node, and has its numbers for itself."""
    uses = list(output(node).uses())
    behind = uses[0].node if len(uses) == 1 else None
    if behind is None or output(node).is_graph_output() or not _is_own(behind):
        return None
    return behind


def shift_mean(graph: ir.Graph, norm: ir.Node, shift: np.ndarray) -> None:
    """Add (c,) to the running mean of a BatchNorm, in place."""
    mean = _number(norm, _MEAN)
    replace(graph, norm, _MEAN, (mean + shift).astype(np.float32))


def restate(model: ir.Model, parts: Sequence[np.ndarray]) -> None:
    """State every BatchNorm by what it reads of these pictures, in place; outputs stay but for rounding."""
    norms = {str(node.inputs[0].name): node for node in model.graph if _is_own(node) and node.inputs[0]}
    if not norms:
        return
    runner = OnnxRunner(model, outputs=tuple(norms))
    sums = {name: np.zeros((2, len(_number(node, _MEAN)))) for name, node in norms.items()}
    count = dict.fromkeys(norms, 0)
    for part in parts:
        for name, values in runner.values(part).items():
            rows = np.moveaxis(values, 1, -1).reshape(-1, values.shape[1]).astype(np.float64)
            sums[name] += rows.sum(axis=0), np.square(rows).sum(axis=0)
            count[name] += len(rows)
    for name, node in norms.items():
        first, second = sums[name] / count[name]
        _state(model.graph, node, first, np.maximum(second - first**2, 0.0))


def _state(graph: ir.Graph, norm: ir.Node, mean: np.ndarray, variance: np.ndarray) -> None:
    epsilon = attribute(norm, "epsilon", _EPSILON)
    scale, shift, old_mean, old_variance = (_number(norm, index) for index in range(_SCALE, _VARIANCE + 1))
    slope = scale / np.sqrt(old_variance + epsilon)
    numbers = (slope * np.sqrt(variance + epsilon), shift + slope * (mean - old_mean), mean, variance)
    for index, array in enumerate(numbers, start=_SCALE):
        replace(graph, norm, index, array.astype(np.float32))


def _is_own(node: ir.Node) -> bool:
    """Tell whether a node is a BatchNorm of constant numbers that no other node reads."""
    if node.op_type != "BatchNormalization" or node.domain:
        return False
    values = node.inputs[_SCALE:]
    return all(
        value is not None and constant(value) is not None and len(value.uses()) == 1 for value in values
    )


def _number(norm: ir.Node, index: int) -> np.ndarray:
    array = constant(norm.inputs[index])
    assert array is not None
    return array.astype(np.float64)
