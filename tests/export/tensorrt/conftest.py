"""Graphs written as ONNX text."""

import numpy as np
import onnx
import onnx_ir as ir
import pytest


@pytest.fixture
def graph():
    """Give a function from ONNX text, without the header, to a model with inferred shapes.

    What the text declares and no node computes becomes an initializer, of ones unless it is among `weights`.
    """

    def parse(text, *, opset=13, **weights):
        header = f'<ir_version: 7, opset_import: ["" : {opset}, "org.example" : 1]>'
        model = onnx.parser.parse_model(header + text)
        computed = {name for node in model.graph.node for name in node.output}
        for value in model.graph.value_info:
            if value.name not in computed:
                model.graph.initializer.append(initializer(value, weights))
        return ir.from_proto(onnx.shape_inference.infer_shapes(model))

    return parse


def initializer(value, weights):
    tensor = value.type.tensor_type
    shape = [dim.dim_value for dim in tensor.shape.dim]
    kind = onnx.helper.tensor_dtype_to_np_dtype(tensor.elem_type)
    array = np.broadcast_to(np.asarray(weights.get(value.name, 1), kind), shape)
    return onnx.numpy_helper.from_array(np.array(array), value.name)
