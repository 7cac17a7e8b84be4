"""A small int8 network as a file."""

import numpy as np
import onnx_ir as ir
import pytest
from onnx_ir.passes.common import ShapeInferencePass

from edgecnn.calls import Call
from edgecnn.export.tflite import write
from edgecnn.quantize import Context, compress

_TEXT = """<ir_version: 7, opset_import: ["" : 13]> g (float[1,3,8,8] x) => (float[1,5] y) {
  c = Conv<pads=[1,1,1,1]>(x, w, b)  r = Relu(c)  m = MaxPool<kernel_shape=[2,2], strides=[2,2]>(r)
  f = Flatten(m)  y = Gemm<transB=1>(f, u, z) }"""
_SHAPES = {"w": (4, 3, 3, 3), "b": (4,), "u": (5, 64), "z": (5,)}


@pytest.fixture(scope="session")
def quantized():
    """Quantize the nodes of a graph on a few images; returns the graph."""

    def quantize(text, images, **weights):
        tensors = [ir.tensor(array, name=name) for name, array in weights.items()]
        graph = ShapeInferencePass()(ir.from_onnx_text(text, initializers=tensors)).model
        return compress(graph, [Call("int8")], context=Context(images=lambda: [images], scheme="tflite"))[
            -1
        ].after

    return quantize


@pytest.fixture(scope="session")
def images():
    return np.random.default_rng(1).standard_normal((4, 3, 8, 8), np.float32)


@pytest.fixture(scope="session")
def graph(quantized, images):
    draw = np.random.default_rng(0)
    return quantized(_TEXT, images, **{k: draw.standard_normal(s, np.float32) for k, s in _SHAPES.items()})


@pytest.fixture(scope="session")
def model(graph):
    return write(graph, io="int8")
