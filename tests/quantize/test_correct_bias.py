import numpy as np
import onnx_ir as ir
import pytest

from edgecnn.calls import parse_recipe
from edgecnn.errors import EdgeCnnError
from edgecnn.graph.nodes import output
from edgecnn.quantize import Context
from edgecnn.quantize.bare import without_pairs
from edgecnn.quantize.biases import give_bias, shift_bias
from edgecnn.quantize.channels import LAYERS
from edgecnn.quantize.correct_bias import correct_bias
from edgecnn.quantize.recipe import check_recipe
from edgecnn.runtime.onnx_runner import OnnxRunner

from .networks import Branches, after, chain, context, graph, pictures

NETWORKS = {"chain": chain(), "sum and branches": Branches()}


def layer_means(model, images):
    """E[y] (c,) of each layer, as ONNX Runtime computes the graph without changing it."""
    names = [output(node).name for node in model.graph if node.op_type in LAYERS]
    values = OnnxRunner(model, outputs=names, optimize=False).values(images)
    return [each.mean(tuple(axis for axis in range(each.ndim) if axis != 1)) for each in values.values()]


def errors(reference, model, images):
    """The largest difference of the mean of a channel, float to quantized, layer by layer."""
    pairs = zip(layer_means(reference, images), layer_means(model, images), strict=True)
    return [np.abs(one - other).max() for one, other in pairs]


def coarse(network):
    """A graph in which one tap of each weight takes the range, so that the others are rounded coarsely."""
    model = graph(network)
    for node in [node for node in model.graph if node.op_type in LAYERS]:
        value = node.inputs[1]
        array = value.const_value.numpy().copy()
        array.flat[0] = 8 * np.abs(array).max()
        value.const_value = ir.Tensor(array, name=value.name)
    return model


@pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS)
def test_every_layers_mean_output_is_that_in_float(network):
    model = coarse(network)
    before, found = (
        errors(model, after(model, recipe), pictures())
        for recipe in ("int8(per_channel=false)", "int8(per_channel=false) | correct_bias")
    )
    # Sums in another order differ in the last place, and then here and there an activation by a step.
    assert max(found) < max(before) / 20
    assert max(before) > 0.05


@pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS)
def test_the_corrections_are_those_of_running_the_whole_network_for_each_layer(network):
    quantized = after(graph(network), "int8")
    result = correct_bias(quantized, context=context())
    truth = layer_means(without_pairs(quantized), pictures())
    expected = quantized
    for index in range(len(truth)):  # correct one layer, run all anew, correct the next
        shift = truth[index] - layer_means(expected, pictures())[index]
        expected = shifted(expected, index, shift)
    for one, other in zip(biases(result.model), biases(expected), strict=True):
        np.testing.assert_allclose(one, other, atol=2e-3)


def shifted(model, index, shift):
    clone = model.clone()
    node = [node for node in clone.graph if node.op_type in LAYERS][index]
    give_bias(clone.graph, node)
    shift_bias(clone.graph, node, shift)
    return clone


def biases(model):
    return [node.inputs[2].const_value.numpy() for node in model.graph if node.op_type in LAYERS]


def test_a_layer_without_a_bias_gets_one():
    quantized = after(graph(Branches()), "int8")
    assert "inner.bias" not in quantized.graph.initializers
    result = correct_bias(quantized, context=context())
    assert result.model.graph.initializers["inner.bias"].shape == (8,)
    assert result.matched == 5
    assert "inner.bias" not in quantized.graph.initializers


def test_nothing_but_biases_changes():
    quantized = after(graph(Branches()), "int8")
    corrected = correct_bias(quantized, context=context()).model
    for name, value in quantized.graph.initializers.items():
        if not name.endswith(".bias"):
            np.testing.assert_array_equal(
                corrected.graph.initializers[name].const_value.numpy(), value.const_value.numpy()
            )
    assert [node.op_type for node in corrected.graph] == [node.op_type for node in quantized.graph]


def test_where_the_pictures_would_fill_the_memory_fewer_are_used(monkeypatch):
    monkeypatch.setattr("edgecnn.quantize.stages._CACHE_BYTES", 0)
    result = correct_bias(after(graph(chain()), "int8"), context=context())
    assert "over 8 pictures" in result.note


@pytest.mark.parametrize("pass_name", ["correct_bias", "mixed"])
def test_without_pictures_it_is_refused_before_any_work(pass_name):
    with pytest.raises(EdgeCnnError, match="needs pictures to calibrate with"):
        check_recipe(parse_recipe(f"int8 | {pass_name}"), Context())


def test_a_float_graph_is_refused_with_the_recipe_that_helps():
    with pytest.raises(EdgeCnnError, match=r"int8 \| correct_bias"):
        correct_bias(graph(chain()), context=context())


def test_where_int8_found_nothing_there_is_nothing_to_correct():
    model = ir.from_onnx_text("""<ir_version: 7, opset_import: ["" : 13]>
    g (float[1,3,8,8] x) => (float[1,3,8,8] y) { y = Tanh(x) }""")
    model.metadata_props["edgecnn.scheme"] = "tensorrt"
    result = correct_bias(model, context=context())
    assert (result.matched, result.note) == (0, "int8 found nothing to quantize")


def test_a_second_correction_is_refused_since_the_float_means_are_gone():
    corrected = correct_bias(after(graph(chain()), "int8"), context=context()).model
    with pytest.raises(EdgeCnnError, match="already"):
        correct_bias(corrected, context=context())


def test_gemm_with_a_scaled_bias_is_corrected_by_what_it_adds():
    model = ir.from_onnx_text("""<ir_version: 7, opset_import: ["" : 13]>
    g (float[1,2] x) => (float[1,2] y) <float[2,2] w = {1.0, 0.0, 0.0, 1.0}, float[2] b = {1.0, 2.0}>
    { y = Gemm <beta = 0.5> (x, w, b) }""")
    shift_bias(model.graph, model.graph[0], np.array([3.0, -1.0]))
    found = OnnxRunner(model)(np.zeros((1, 2), np.float32))
    np.testing.assert_allclose(found, [[0.5 * 1 + 3, 0.5 * 2 - 1]])
