"""Networks of the zoo from Q/DQ graph to .tflite: what both runtimes compute on the same pairs."""

import numpy as np
import pytest

from edgecnn.calls import Call
from edgecnn.models import ARCHITECTURES
from edgecnn.pipeline.network import open_network
from edgecnn.quantize import compress
from edgecnn.runtime.onnx_runner import OnnxRunner
from edgecnn.sample import sample_inputs

from .conftest import in_steps, output_pair, quantize_graph

NETWORKS = {
    "mobilenet": {"CONV_2D": 14, "DEPTHWISE_CONV_2D": 13, "FULLY_CONNECTED": 1, "MEAN": 1},
    "resnet18": {"ADD": 8, "CONV_2D": 20, "MAX_POOL_2D": 1},
    "squeezenet1_0": {"CONCATENATION": 8, "CONV_2D": 26, "MAX_POOL_2D": 3},
}


@pytest.mark.parametrize(("name", "operators"), NETWORKS.items(), ids=NETWORKS)
def test_a_network_is_as_near_to_onnx_runtime_as_that_is_to_itself(name, operators):
    network = open_network(name, res=ARCHITECTURES[name].contract_res, width=0.25)
    images = sample_inputs(network.preprocessing, 0, 8)
    model = quantize_graph(compress(network.graph, [Call("fold")])[-1].after, images)
    found = in_steps(model, images)
    scale = output_pair(model).inputs[1].const_value.numpy()
    optimized = OnnxRunner(model)(images) / scale
    own = np.abs(optimized - found.onnx).max()
    assert found.error <= own + 1.01
    assert found.response > 8
    assert {code: found.operators[code] for code in operators} == operators
    assert (found.operators["QUANTIZE"], found.operators["DEQUANTIZE"]) == (1, 1)
    assert "TRANSPOSE" not in found.operators
