"""From a Q/DQ graph to an artifact, and the hop that compares both."""

from dataclasses import replace

import numpy as np
import pytest
from onnx_ir.passes.common import ShapeInferencePass

from edgecnn import devices
from edgecnn.errors import VerificationError
from edgecnn.export import tflite
from edgecnn.export.compilers import compile_for
from edgecnn.pipeline import hops
from edgecnn.runtime.onnx_runner import OnnxRunner

from .conftest import quantize_graph

BODY = """(float[1,3,8,8] input) => (float[1,5] output) {
  c = Conv<pads=[1,1,1,1]>(input, w, b)  r = Relu(c)  n = LRN<size=3>(r)  p = GlobalAveragePool(n)
  f = Flatten(p)  output = Gemm<transB=1>(f, u) }"""


@pytest.fixture
def images():
    return np.random.default_rng(1).standard_normal((4, 3, 8, 8), np.float32)


@pytest.fixture
def floats(graph, normal):
    model = graph(BODY, w=normal(4, 3, 3, 3), b=normal(4), u=normal(5, 4))
    return ShapeInferencePass()(model).model


def compiled(model):
    return compile_for(devices.find("pi4"), model)


def test_a_graph_with_pairs_becomes_an_int8_artifact_that_the_hop_accepts(floats, images):
    model = quantize_graph(floats, images)
    found = compiled(model)
    (artifact,) = found.artifacts
    assert (artifact.precision, artifact.layout, artifact.quantized) == ("int8", "NHWC", True)
    assert found.notes == ("LOCAL_RESPONSE_NORMALIZATION computes in float32, between int8 operators",)
    parity = hops.of_artifact(model, artifact, images, OnnxRunner(model)(images))
    step = model.graph.initializers["output.scale"].const_value.numpy()
    assert parity.holds
    assert step <= parity.tolerance < 3 * step
    assert artifact.describe(parity.response)["precision"] == "int8"


def test_a_network_whose_last_layer_stays_in_float_is_compared_in_steps_of_its_range(floats, images):
    model = quantize_graph(floats, images, float_weights=("output",), unpaired=("output",))
    (artifact,) = compiled(model).artifacts
    outputs = OnnxRunner(model)(images)
    parity = hops.of_artifact(model, artifact, images, outputs)
    assert parity.holds
    assert np.ptp(outputs) / 255 <= parity.tolerance < 3 * np.ptp(outputs) / 255


def test_the_hop_names_the_layer_of_another_graph(floats, images):
    model = quantize_graph(floats, images)
    (artifact,) = compiled(model).artifacts
    other = model.clone()
    weight = other.graph.initializers["w"]
    weight.const_value = type(weight.const_value)(-weight.const_value.numpy(), name="w")
    with pytest.raises(VerificationError, match=r"'r' of the quantized file is \d+\.\d steps"):
        hops.of_artifact(other, artifact, images, OnnxRunner(other)(images))


def test_the_hop_fails_where_the_output_is_further_away_than_allowed(floats, images):
    model = quantize_graph(floats, images)
    (artifact,) = compiled(model).artifacts
    far = replace(artifact, runner=lambda batch: artifact.runner(batch) + np.float32(1))
    with pytest.raises(VerificationError, match="outputs differ by 1"):
        hops.of_artifact(model, far, images, OnnxRunner(model)(images))


def test_an_operator_that_silently_stays_in_float_fails_the_export(floats, images, monkeypatch):
    model = quantize_graph(floats, images)
    monkeypatch.setattr(tflite.writer, "result_of", lambda _node, _graph: None)
    with pytest.raises(VerificationError, match="asked for int8, but Conv node 'c' computes in float32"):
        compiled(model)


def test_a_graph_with_pairs_on_weights_alone_becomes_a_dynamic_artifact(floats, images):
    (artifact,) = compiled(quantize_graph(floats, images, activations=False)).artifacts
    assert (artifact.precision, artifact.quantized) == ("dynamic", False)


def test_a_float_graph_stays_a_float_artifact(floats):
    (artifact,) = compiled(floats).artifacts
    assert (artifact.precision, artifact.quantized) == ("fp32", False)
