import numpy as np
import pytest

from edgecnn.errors import EdgeCnnError
from edgecnn.graph.precision import precision_of
from edgecnn.quantize.dynamic import dynamic
from edgecnn.runtime.onnx_runner import OnnxRunner

BODY = "{ a = Conv(x, w) f = Flatten(a) y = Gemm(f, v) }"
WEIGHTS = {"w": (4, 4, 3, 3), "v": (144, 5)}


def test_weights_get_a_pair_and_activations_none(graph, pictures):
    model = graph(BODY, **WEIGHTS)
    result = dynamic(model)
    assert (result.matched, precision_of(result.model)) == (2, "dynamic")
    quantized = [node.inputs[0].name for node in result.model.graph if node.op_type == "QuantizeLinear"]
    assert sorted(quantized) == ["v", "w"]
    batch = np.concatenate(pictures()())
    expected = OnnxRunner(model)(batch)
    assert 0 < np.abs(OnnxRunner(result.model)(batch) - expected).max() < 0.02 * np.abs(expected).max()


def test_a_graph_without_layers_says_so(graph):
    result = dynamic(graph("{ y = Relu(x) }"))
    assert (result.matched, result.note) == (0, "no convolution or fully connected layer")


def test_a_second_time_is_refused(graph):
    with pytest.raises(EdgeCnnError, match="already"):
        dynamic(dynamic(graph(BODY, **WEIGHTS)).model)
