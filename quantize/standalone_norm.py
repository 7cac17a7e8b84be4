"""A BatchNorm that no convolution takes in becomes a depthwise convolution, which has an int8 form.

    y = γ (x − μ) / √(σ² + ε) + β   →   y_c = w_c x_c + b_c
    w = γ / √(σ² + ε)                    b = β − μ w

before: BatchNormalization; after: Conv of 1x1 kernels, one group for each channel. DenseNets and
pre-activation ResNets have them (Huang et al. 2017, arXiv:1608.06993; He et al. 2016, arXiv:1603.05027).
"""

import numpy as np
import onnx_ir as ir

from edgecnn.graph.nodes import attribute, constant, output


def to_depthwise(graph: ir.Graph) -> int:
    """Rewrite, in place, each BatchNorm of an image; return how many there were."""
    norms = [node for node in graph if node.op_type == "BatchNormalization" and _is_constant_image(node)]
    for norm in norms:
        statistics = norm.inputs[1:5]
        gamma, beta, mean, variance = (np.asarray(constant(value), np.float64) for value in statistics)
        weight = gamma / np.sqrt(variance + attribute(norm, "epsilon", 1e-5))
        inputs = [
            norm.inputs[0],
            _initializer(graph, f"{norm.name}.depthwise.weight", weight.reshape(-1, 1, 1, 1)),
            _initializer(graph, f"{norm.name}.depthwise.bias", beta - mean * weight),
        ]
        shape = [ir.AttrInt64("group", len(weight)), ir.AttrInt64s("kernel_shape", [1, 1])]
        conv = ir.Node("", "Conv", inputs, shape, name=norm.name, num_outputs=1)
        ir.convenience.replace_nodes_and_values(graph, norm, [norm], [conv], [output(norm)], [output(conv)])
        for value in statistics:
            if value is not None and not value.uses():
                graph.initializers.pop(str(value.name), None)
    return len(norms)


def _is_constant_image(norm: ir.Node) -> bool:
    image = norm.inputs[0]
    known = all(constant(value) is not None for value in norm.inputs[1:5])
    return known and image is not None and image.shape is not None and len(image.shape) == 4


def _initializer(graph: ir.Graph, name: str, array: np.ndarray) -> ir.Value:
    tensor = ir.Tensor(array.astype(np.float32), name=name)
    value = ir.Value(
        name=name, shape=ir.Shape(array.shape), type=ir.TensorType(tensor.dtype), const_value=tensor
    )
    graph.register_initializer(value)
    return value
