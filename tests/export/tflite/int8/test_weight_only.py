"""Files with float32 activations: int8 weights where only they have pairs, and float16 weights."""

import numpy as np
import pytest

from edgecnn.errors import EdgeCnnError
from edgecnn.export.tflite import UnsupportedOperatorError, read_back, read_operators, write
from edgecnn.runtime.litert_runner import LitertRunner
from edgecnn.runtime.onnx_runner import OnnxRunner

from .conftest import quantize_graph

LAYERS = {
    "conv": ("Conv<pads=[1,1,1,1]>", (6, 4, 3, 3), ("CONV_2D", 5)),
    "depthwise": ("Conv<group=4>", (4, 1, 3, 3), ("DEPTHWISE_CONV_2D", 1)),
    "grouped": ("Conv<group=2>", (6, 2, 3, 3), ("CONV_2D", 6)),
    "transposed": ("ConvTranspose<strides=[2,2]>", (4, 3, 2, 2), ("TRANSPOSE_CONV", 3)),
}


@pytest.fixture
def images(rng):
    return rng.standard_normal((4, 4, 8, 8), np.float32)


def layer(graph, normal, operator, shape):
    body = f"(float[1,4,8,8] x) => (float[1,C,H,W] y) {{ y = {operator}(x, w) }}"
    return graph(body, w=normal(*shape))


def relative(found, wanted):
    return np.abs(found - wanted).max() / np.abs(wanted[0] - wanted[1]).max()


@pytest.mark.parametrize("case", LAYERS.values(), ids=LAYERS)
def test_int8_weights_are_read_by_the_kernel_or_dequantized(graph, normal, images, case):
    operator, shape, (code, version) = case
    model = quantize_graph(layer(graph, normal, operator, shape), images, activations=False)
    data = write(model)
    found = read_operators(data)
    assert (found[-1].name, found[-1].version) == (code, version)
    hybrid = (code, version) == ("CONV_2D", 5)
    assert len(found) == (1 if hybrid else 2)
    assert found[0].inputs[1 if hybrid else 0] == "int8"
    assert set(read_back(data).precisions.values()) == {"dynamic" if hybrid else "float32"}
    wanted = OnnxRunner(model)(images)
    # A kernel that rounds its input to 8 bits is off by up to half a step of 1/127 for each tap.
    tolerance = 2e-2 if hybrid else 1e-6
    for keep_all in (False, True):
        assert relative(LitertRunner(data, keep_all=keep_all)(images), wanted) < tolerance


@pytest.mark.parametrize("per_channel", [False, True], ids=["one scale", "a scale for each row"])
def test_int8_weights_of_a_fully_connected_layer(graph, normal, per_channel):
    body = "(float[1,16] x) => (float[1,5] y) { y = Gemm<transB=1>(x, w, b) }"
    features, model = normal(4, 16), graph(body, w=normal(5, 16), b=normal(5))
    model = quantize_graph(model, features, activations=False, per_channel=per_channel)
    data = write(model)
    found = [(each.name, each.version) for each in read_operators(data)]
    # tflite-runtime 2.14 computes nonsense from a scale for each row and float32 features.
    assert found == ([("DEQUANTIZE", 2), ("FULLY_CONNECTED", 1)] if per_channel else [("FULLY_CONNECTED", 3)])
    tolerance = 1e-6 if per_channel else 2e-2
    assert relative(LitertRunner(data)(features), OnnxRunner(model)(features)) < tolerance


@pytest.mark.parametrize("case", LAYERS.values(), ids=LAYERS)
def test_float16_weights_lie_behind_a_dequantize(graph, normal, images, case):
    operator, shape, _ = case
    model = layer(graph, normal, operator, shape)
    data = write(model, weights="float16")
    first, second = read_operators(data)
    assert (first.name, first.version, first.inputs) == ("DEQUANTIZE", 3, ("float16",))
    assert second.outputs == ("float32",)
    rounded = model.clone()
    weight = rounded.graph.initializers["w"]
    half = weight.const_value.numpy().astype(np.float16).astype(np.float32)
    weight.const_value = type(weight.const_value)(half, name="w")
    wanted = OnnxRunner(rounded)(images)
    assert relative(LitertRunner(data)(images), wanted) < 2e-6
    assert 1e-6 < relative(OnnxRunner(model)(images), wanted) < 1e-3


def test_a_weight_beyond_float16_is_refused(graph, normal):
    model = layer(graph, lambda *shape: normal(*shape) * 1e5, "Conv", (6, 4, 3, 3))
    with pytest.raises(UnsupportedOperatorError, match="beyond 65504"):
        write(model, weights="float16")


def test_float16_weights_are_no_choice_for_a_quantized_graph(graph, normal, images):
    model = quantize_graph(layer(graph, normal, "Conv", (6, 4, 3, 3)), images)
    with pytest.raises(EdgeCnnError, match="the graph's weights are int8; float16 is for"):
        write(model, weights="float16")
