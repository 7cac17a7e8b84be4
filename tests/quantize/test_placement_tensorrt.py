from edgecnn.calls import Call
from edgecnn.export import tensorrt
from edgecnn.quantize import Context, compress
from edgecnn.quantize.placement_tensorrt import place_for_tensorrt

BLOCK = """{
    a = Conv<pads=[1,1,1,1]>(x, w) b = Relu(a) c = Conv<pads=[1,1,1,1]>(b, v) d = Add(c, x) e = Relu(d)
    p = MaxPool<kernel_shape=[2,2]>(e) g = GlobalAveragePool(p) f = Flatten(g) y = Gemm(f, u)
}"""
WEIGHTS = {"w": (4, 4, 3, 3), "v": (4, 4, 3, 3), "u": (4, 5)}


def names(placement) -> list[str]:
    return [value.name for value in placement.activations]


def test_pairs_stand_before_layers_and_on_the_residual_only(graph):
    assert names(place_for_tensorrt(graph(BLOCK, **WEIGHTS))) == ["x", "b", "f"]


def test_of_two_convolutions_before_an_add_one_is_fused_with_it(graph):
    model = graph("{ a = Conv(x, w) b = Conv(x, w) y = Add(a, b) }", w=(4, 4, 1, 1))
    assert names(place_for_tensorrt(model)) == ["x", "a"]


def test_an_add_without_a_convolution_stays_as_it_is(graph):
    model = graph("{ a = Relu(x) y = Add(a, x) }")
    assert names(place_for_tensorrt(model)) == []


def test_what_stays_in_float_has_no_pairs_of_its_own(graph):
    placement = place_for_tensorrt(graph(BLOCK, **WEIGHTS), keep_float=["conv0", "gemm8"])
    assert names(placement) == ["x", "b"]  # x is still the residual
    assert [weight.value.name for weight in placement.weights] == ["v"]


def test_the_linter_finds_nothing_to_say(graph, pictures):
    context = Context(images=pictures(), scheme="tensorrt")
    quantized = compress(graph(BLOCK, **WEIGHTS), [Call("int8")], context=context)[-1].after
    assert tensorrt.lint(quantized) == []
