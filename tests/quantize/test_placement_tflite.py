import numpy as np
import pytest

from edgecnn.errors import EdgeCnnError
from edgecnn.quantize.placement_tflite import RULES, place_for_tflite


def names(placement) -> list[str]:
    return [value.name for value in placement.activations]


def sets(placement) -> list[list[str]]:
    found = placement.groups.sets(placement.activations)
    return [[value.name for value in each] for each in found if len(each) > 1]


FUSED = {
    "Relu": "b = Relu(a)",
    "Clip from 0 to 6": "b = Clip(a, zero, six)",
    "Clip from 0 to anywhere": "b = Clip(a, zero, four)",
    "Clip from 0": "b = Clip(a, zero)",
}


@pytest.mark.parametrize("activation", FUSED.values(), ids=FUSED)
@pytest.mark.parametrize("layer", ["Conv(x, w)", "Add(x, x)", "Mul(x, x)", "ConvTranspose(x, w)"])
def test_nothing_stands_between_an_operator_and_the_activation_it_applies(graph, layer, activation):
    limits = {"zero": np.float32(0), "six": np.float32(6), "four": np.float32(4)}
    model = graph(f"{{ a = {layer} {activation} y = GlobalAveragePool(b) }}", w=(4, 4, 3, 3), **limits)
    assert names(place_for_tflite(model)) == ["x", "b", "y"]


def test_an_activation_that_others_can_do_without_is_not_applied_by_the_operator(graph):
    model = graph("{ a = Conv(x, w) b = Relu(a) y = Add(a, b) }", w=(4, 4, 3, 3))
    assert names(place_for_tflite(model)) == ["x", "a", "b", "y"]


SHARING = {
    "MaxPool": "MaxPool<kernel_shape=[2,2]>(a)",
    "AveragePool": "AveragePool<kernel_shape=[2,2]>(a)",
    "Flatten": "Flatten(a)",
    "Transpose": "Transpose(a)",
    "Pad": "Pad(a, pads)",
    "DepthToSpace": "DepthToSpace<blocksize=2>(a)",
    "Clip to anything": "Clip(a, low, high)",
}


@pytest.mark.parametrize("operator", SHARING.values(), ids=SHARING)
def test_what_only_moves_numbers_has_one_grid(graph, operator):
    weights = {"pads": np.array([0, 0, 1, 1, 0, 0, 1, 1]), "low": np.float32(-0.3), "high": np.float32(2)}
    placement = place_for_tflite(graph(f"{{ a = Conv(x, w) y = {operator} }}", w=(4, 4, 3, 3), **weights))
    assert sets(placement) == [["a", "y"]]
    assert [value.name for value in placement.derived] == ["y"]


def test_all_that_meets_in_concatenations_has_one_grid(graph):
    body = """{
        a = Conv(x, w) b = Conv(x, v) c = Concat<axis=1>(a, b) d = MaxPool<kernel_shape=[2,2]>(c)
        e = Conv(d, u) y = Concat<axis=1>(e, d)
    }"""
    placement = place_for_tflite(graph(body, w=(4, 4, 1, 1), v=(4, 4, 1, 1), u=(4, 8, 1, 1)))
    assert sets(placement) == [["a", "b", "c", "d", "e", "y"]]


def test_a_dictated_grid_is_handed_on_and_rescaled_where_it_meets_others(graph):
    body = """{
        a = Sigmoid(x) b = MaxPool<kernel_shape=[1,1]>(a) c = Conv(x, w) y = Concat<axis=1>(b, c)
    }"""
    placement = place_for_tflite(graph(body, w=(4, 4, 1, 1)))
    assert {value.name for value in placement.fixed} == {"a", "b"}
    assert sets(placement) == [["a", "b"], ["c", "y"]]
    assert [(node.op_type, index) for node, index in placement.rescaled] == [("Concat", 0)]


def test_constants_that_are_data_get_a_pair_and_settings_do_not(graph):
    body = "{ a = Add(x, k) y = Clip(a, low, high) }"
    limits = {"low": np.float32(-0.5), "high": np.float32(0.5)}
    assert names(place_for_tflite(graph(body, k=(1, 4, 1, 1), **limits))) == ["x", "k", "a", "y"]


AXES = {
    "Conv": ("y = Conv(x, w)", (6, 4, 3, 3), 0),
    "depthwise Conv": ("y = Conv<group=4>(x, w)", (4, 1, 3, 3), 0),
    "ConvTranspose": ("y = ConvTranspose(x, w)", (4, 6, 2, 2), 1),
    "Gemm": ("f = Flatten(x) y = Gemm(f, w)", (256, 5), 1),
    "Gemm of a transposed weight": ("f = Flatten(x) y = Gemm<transB=1>(f, w)", (5, 256), 0),
    "MatMul": ("f = Flatten(x) y = MatMul(f, w)", (256, 5), 1),
}


@pytest.mark.parametrize(("body", "shape", "axis"), AXES.values(), ids=AXES)
def test_scales_lie_along_the_output_channels(graph, body, shape, axis):
    (weight,) = place_for_tflite(graph(f"{{ {body} }}", w=shape)).weights
    assert (weight.value.name, weight.axis) == ("w", axis)


def test_what_has_no_int8_form_is_refused_by_name(graph):
    model = graph("{ a = LRN<size=3>(x) b = Sin(a) y = Relu(b) }")
    with pytest.raises(EdgeCnnError, match="LRN, Sin have no int8 form.*--allow-float LRN,Sin"):
        place_for_tflite(model)


def test_what_may_stay_in_float_reads_and_gives_pairs(graph):
    model = graph("{ a = Conv(x, w) b = LRN<size=3>(a) y = Conv(b, w) }", w=(4, 4, 1, 1))
    assert names(place_for_tflite(model, ["LRN"])) == ["x", "a", "b", "y"]


def test_a_layer_that_is_kept_in_float_has_no_pair_on_its_weight(graph):
    model = graph("{ a = Conv(x, w) b = Relu(a) y = Conv(b, v) }", w=(4, 4, 1, 1), v=(4, 4, 1, 1))
    placement = place_for_tflite(model, keep_float=["conv0"])
    assert [weight.value.name for weight in placement.weights] == ["v"]
    assert names(placement) == ["x", "a", "b", "y"]


def test_a_weight_that_is_computed_is_refused(graph):
    with pytest.raises(EdgeCnnError, match="computed weight"):
        place_for_tflite(graph("{ f = Flatten(x) t = Transpose(f) y = MatMul(f, t) }"))


def test_one_weight_by_two_axes_is_refused(graph):
    with pytest.raises(EdgeCnnError, match="different axes"):
        place_for_tflite(graph("{ f = Flatten(x) a = Gemm(f, w) y = Gemm<transB=1>(a, w) }", w=(256, 256)))


def test_every_rule_is_for_one_kind_of_operator():
    for name, rule in RULES.items():
        assert not (rule.shares and (rule.fixed or rule.fuses or rule.weighted)), name
