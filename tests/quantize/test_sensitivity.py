import numpy as np
import onnx_ir as ir
import pytest

from edgecnn.errors import EdgeCnnError
from edgecnn.quantize.bare import pairs, without_pairs
from edgecnn.quantize.sensitivity import alone, quantized_layers, sensitivity
from edgecnn.runtime.onnx_runner import OnnxRunner

from .networks import Branches, after, chain, graph, pictures


@pytest.mark.parametrize("network", [chain(), Branches()], ids=["chain", "sum and branches"])
def test_the_figures_are_those_of_running_each_rounded_layer_in_the_whole_network(network):
    quantized = after(graph(network), "int8")
    images = pictures(16)
    truth = OnnxRunner(without_pairs(quantized))(images)
    records = sensitivity(quantized, [images], pictures=16)
    assert [record.layer for record in records] == list(quantized_layers(quantized))
    for record in records:
        found = OnnxRunner(alone(quantized, record.layer), optimize=False)(images)
        expected = 10 * np.log10(truth.var(axis=0).mean() / np.square(found - truth).mean())
        assert record.sqnr_db == pytest.approx(expected, abs=0.5)
        assert record.agreement == pytest.approx((found.argmax(1) == truth.argmax(1)).mean(), abs=1 / 16)


def test_one_layers_pairs_are_left_and_only_that_layer_reads_them():
    quantized = after(graph(Branches()), "int8")
    one = alone(quantized, "inner")
    assert len(pairs(one.graph)) == 2  # of its weight, and of what it reads
    for _, dequantize in pairs(one.graph):
        assert [use.node.name for use in dequantize.outputs[0].uses()] == ["inner"]
    assert [value.name for value in one.graph.outputs] == [value.name for value in quantized.graph.outputs]


def test_the_layer_with_the_coarsest_weight_is_the_worst():
    model = graph(chain())
    value = model.graph.initializers["4.weight"]
    array = value.const_value.numpy().copy()
    array[:, 0] *= 200  # every output channel's range is taken by one tap
    value.const_value = ir.Tensor(array, name=value.name)
    input_of = model.graph.initializers["2.weight"]
    weight = input_of.const_value.numpy().copy()
    weight[0] /= 200
    input_of.const_value = ir.Tensor(weight, name=input_of.name)
    records = sensitivity(after(model, "int8"), [pictures()])
    assert min(records, key=lambda record: record.sqnr_db).layer == "4"


def test_a_float_graph_is_refused():
    with pytest.raises(EdgeCnnError, match="no quantized layer"):
        sensitivity(graph(chain()), [pictures()])


def test_progress_is_told_layer_by_layer():
    said = []
    sensitivity(after(graph(chain()), "int8"), [pictures()], on_progress=lambda *what: said.append(what))
    assert said == [("sensitivity", done, 4) for done in (1, 2, 3, 4)]
