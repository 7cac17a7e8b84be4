"""Networks of the zoo from Q/DQ graph to .tflite: what both runtimes compute on the same pairs."""

import pytest

from edgecnn.calls import Call
from edgecnn.export.fidelity import check_layers, fidelity
from edgecnn.export.tflite import check_grids, check_precisions
from edgecnn.models import ARCHITECTURES
from edgecnn.pipeline.network import open_network
from edgecnn.quantize import compress
from edgecnn.runtime.litert_runner import LitertRunner
from edgecnn.sample import sample_inputs

from .conftest import in_steps, quantize_graph

NETWORKS = {
    "mobilenet": {"CONV_2D": 14, "DEPTHWISE_CONV_2D": 13, "FULLY_CONNECTED": 1, "MEAN": 1},
    "resnet18": {"ADD": 8, "CONV_2D": 20, "MAX_POOL_2D": 1},
    "squeezenet1_0": {"CONCATENATION": 8, "CONV_2D": 26, "MAX_POOL_2D": 3},
    "googlenet": {"CONCATENATION": 9, "CONV_2D": 57, "LOCAL_RESPONSE_NORMALIZATION": 2},
    "nin": {"CONV_2D": 12, "MAX_POOL_2D": 3, "MEAN": 1},
    "unet": {"CONCATENATION": 4, "CONV_2D": 19, "TRANSPOSE_CONV": 4},
    "vgg11": {"CONV_2D": 8, "FULLY_CONNECTED": 3, "MAX_POOL_2D": 5},
}


@pytest.mark.parametrize(("name", "operators"), NETWORKS.items(), ids=NETWORKS)
def test_a_network_is_as_near_to_onnx_runtime_as_that_is_to_itself(name, operators):
    entry = ARCHITECTURES[name]
    width = {"width": 0.25} if "width" in entry.defaults else {}
    network = open_network(name, res=entry.contract_res, **width)
    images = sample_inputs(network.preprocessing, 0, 8)
    model = quantize_graph(compress(network.graph, [Call("fold")])[-1].after, images)
    found = in_steps(model, images)
    assert fidelity(model, LitertRunner(found.data), images).holds
    runner = LitertRunner(found.data, keep_all=True)
    runner(images[:1])
    check_layers(model, runner.values())
    check_precisions(model, found.data, ["LRN"])
    check_grids(model, found.data)
    assert found.response > 8
    assert {code: found.operators[code] for code in operators} == operators
    inside = 2 if "LOCAL_RESPONSE_NORMALIZATION" in operators else 0
    assert found.operators["QUANTIZE"] == found.operators["DEQUANTIZE"] == 1 + inside
    assert "TRANSPOSE" not in found.operators
