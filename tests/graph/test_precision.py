"""`layer_precisions`: what a graph asks of each layer that has weights."""

import pytest

from edgecnn.calls import parse_recipe
from edgecnn.export.tensorrt import to_fp16
from edgecnn.graph.precision import layer_precisions
from edgecnn.pipeline.network import open_network
from edgecnn.quantize import Context, compress
from edgecnn.sample import sample_inputs


@pytest.fixture(scope="module")
def lenet():
    return open_network("lenet")


def compressed(network, recipe):
    images = sample_inputs(network.preprocessing, 2)
    context = Context(images=lambda: [images], scheme="tensorrt")
    return compress(network.graph, parse_recipe(recipe), context=context)[-1].after


def names(network):
    return [str(node.name) for node in network.graph.graph if node.op_type in ("Conv", "Gemm")]


def test_every_layer_with_weights_is_told(lenet):
    assert len(names(lenet)) == 5  # two convolutions, three fully connected layers
    assert layer_precisions(lenet.graph) == dict.fromkeys(names(lenet), "fp32")
    assert layer_precisions(to_fp16(lenet.graph)) == dict.fromkeys(names(lenet), "fp16")
    assert layer_precisions(compressed(lenet, "int8")) == dict.fromkeys(names(lenet), "int8")


@pytest.mark.parametrize(("then", "rest"), [("", "fp32"), (" | fp16", "fp16")], ids=["fp32", "fp16"])
def test_a_layer_that_stays_in_float_asks_for_what_the_rest_is_in(lenet, then, rest):
    first, *others = names(lenet)
    asked = layer_precisions(compressed(lenet, f"int8(keep_float={first}){then}"))
    assert asked == {first: rest} | dict.fromkeys(others, "int8")


def test_a_weight_in_int8_alone_is_no_int8_layer(lenet):
    graph = compressed(lenet, "dynamic")
    assert set(layer_precisions(graph).values()) == {"fp32"}
    assert any(node.op_type == "DequantizeLinear" for node in graph.graph)
