"""Whole small networks, as the converters see them: many layers, several layouts."""

import numpy as np
import onnx_ir as ir
import onnxruntime
import pytest

from edgecnn.export.tflite import write
from edgecnn.runtime.litert_runner import LitertRunner


class Text:
    """Collects nodes and scaled random weights of a network written as ONNX text."""

    def __init__(self, rng):
        self.rng, self.nodes, self.weights, self.count = rng, [], {}, 0

    def add(self, operator, *inputs, **weights):
        self.count += 1
        names = [f"{name}_{self.count}" for name in weights]
        self.weights |= dict(zip(names, weights.values(), strict=True))
        self.nodes.append(f"v{self.count} = {operator}({', '.join([*inputs, *names])})")
        return f"v{self.count}"

    def conv(self, x, c_in, c_out, kernel=1, attributes="", group=1):
        fan_in = c_in // group * kernel * kernel
        shape = (c_out, c_in // group, kernel, kernel)
        w = self.rng.standard_normal(shape, np.float32) * np.float32((2 / fan_in) ** 0.5)
        b = self.rng.standard_normal(c_out, np.float32) * np.float32(0.1)
        attributes = ", ".join(filter(None, [attributes, f"group={group}"]))
        return self.add(f"Conv<{attributes}>", x, w=w, b=b)

    def dense(self, x, c_in, c_out):
        w = self.rng.standard_normal((c_out, c_in), np.float32) * np.float32(c_in**-0.5)
        return self.add("Gemm<transB=1>", x, w=w, b=self.rng.standard_normal(c_out, np.float32))


def mobilenet(text):
    same = "pads=[1,1,1,1]"
    x = text.add("Relu", text.conv("x", 3, 8, 3, f"strides=[2,2], {same}"))
    channels = 8
    for out, stride in ((16, 1), (32, 2), (32, 1), (64, 2)):
        x = text.conv(x, channels, channels, 3, f"strides=[{stride},{stride}], {same}", group=channels)
        x = text.conv(text.add("Relu", x), channels, out)
        x, channels = text.add("Relu", x), out
    return text.dense(text.add("Flatten", text.add("GlobalAveragePool", x)), 64, 10)


def inception(text):
    x = text.add("Relu", text.conv("x", 3, 8, 7, "strides=[2,2], pads=[3,3,3,3]"))
    x = text.add("MaxPool<kernel_shape=[3,3], strides=[2,2], ceil_mode=1>", x)
    x = text.add("LRN<size=5, alpha=0.01>", x)
    for channels in (8, 20):
        branches = [
            text.conv(x, channels, 6),
            text.conv(text.add("Relu", text.conv(x, channels, 4)), 4, 8, 3, "pads=[1,1,1,1]"),
            text.conv(text.add("Relu", text.conv(x, channels, 2)), 2, 3, 5, "pads=[2,2,2,2]"),
            text.conv(text.add("MaxPool<kernel_shape=[3,3], pads=[1,1,1,1]>", x), channels, 3),
        ]
        x = text.add("Concat<axis=1>", *(text.add("Relu", branch) for branch in branches))
    x = text.add("AveragePool<kernel_shape=[3,3], strides=[2,2], pads=[1,1,1,1]>", x)
    return text.add("Softmax", text.dense(text.add("Flatten", x), 20 * 4 * 4, 10))


def residual(text):
    x = text.conv("x", 3, 16, 3, "pads=[1,1,1,1]")
    for _ in range(2):
        gamma, one = text.rng.standard_normal(16, np.float32), np.ones(16, np.float32)
        y = text.add("Relu", text.add("BatchNormalization", x, g=gamma, b=gamma, m=gamma, v=one))
        x = text.add("Add", x, text.conv(y, 16, 16, 3, "pads=[1,1,1,1]"))
    up = {"w": text.rng.standard_normal((16, 4, 2, 2), np.float32) * np.float32(0.2)}
    return text.add("ConvTranspose<strides=[2,2]>", x, **up)


NETWORKS = {
    "mobilenet": (mobilenet, {"CONV_2D": 5, "DEPTHWISE_CONV_2D": 4, "FULLY_CONNECTED": 1, "MEAN": 1}),
    "inception": (inception, {"CONV_2D": 13, "CONCATENATION": 2, "FULLY_CONNECTED": 1, "SOFTMAX": 1}),
    "residual": (residual, {"CONV_2D": 3, "DEPTHWISE_CONV_2D": 2, "ADD": 2, "TRANSPOSE_CONV": 1}),
}


def build(graph, rng, network):
    text = Text(rng)
    out = network(text)
    axes = "N,C,H,W" if network is residual else "N,C"
    body = f"(float[1,3,30,28] x) => (float[{axes}] {out}) {{ {' '.join(text.nodes)} }}"
    return graph(body, **text.weights)


@pytest.mark.parametrize(("network", "operators"), NETWORKS.values(), ids=NETWORKS)
def test_a_network_agrees_and_transposes_nothing(graph, compare, rng, network, operators):
    found = compare(build(graph, rng, network))
    # Fifteen layers of rounding, and outputs that move less than they are large.
    assert found.error <= 1e-5 * found.response
    assert "TRANSPOSE" not in found.operators
    assert {code: found.operators[code] for code in operators} == operators


@pytest.mark.parametrize("network", [mobilenet, inception, residual])
def test_every_value_in_the_file_is_the_onnx_value_of_its_name(graph, rng, network):
    model = build(graph, rng, network)
    image = rng.standard_normal((1, 3, 30, 28), np.float32)
    runner = LitertRunner(write(model), keep_all=True)
    runner(image)
    held = runner.values()
    del held["x"]
    assert len(held) >= 6
    for name, expected in onnx_values(model, image, list(held)).items():
        largest = np.abs(expected).max()
        np.testing.assert_allclose(held[name], expected, atol=3e-6 * largest, rtol=0, err_msg=name)


def onnx_values(model, image, names):
    """Return intermediate values of ONNX Runtime."""
    proto = ir.to_proto(model)
    del proto.graph.output[:]
    for name in names:
        proto.graph.output.add().name = name
    session = onnxruntime.InferenceSession(proto.SerializeToString())
    return dict(zip(names, session.run(None, {"x": image}), strict=True))


@pytest.mark.parametrize("spoil", [lambda w: w * 0, lambda w: w[::-1]], ids=["zeroed", "channels swapped"])
def test_the_comparison_sees_one_wrong_layer_of_a_network(graph, compare, rng, spoil):
    model = build(graph, rng, mobilenet)
    spoilt = model.clone()
    value = spoilt.graph.initializers["w_3"]
    value.const_value = ir.tensor(np.ascontiguousarray(spoil(value.const_value.numpy())), name="w_3")
    found = compare(model, of=spoilt)
    assert found.error > 1e-3 * found.response
