import numpy as np
import pytest

from edgecnn.calls import Call, parse_recipe
from edgecnn.errors import EdgeCnnError
from edgecnn.graph import roles
from edgecnn.graph.nodes import constant
from edgecnn.graph.precision import precision_of, scheme_of
from edgecnn.quantize import Context, compress
from edgecnn.quantize.int8 import calibration_of
from edgecnn.runtime.onnx_runner import OnnxRunner

NET = """{
    a = Conv<pads=[1,1,1,1]>(x, w, b) r = Relu(a) p = MaxPool<kernel_shape=[2,2],strides=[2,2]>(r)
    c = Conv<group=4>(p, d, e) q = Clip(c, zero, six) s = Add(q, q) g = GlobalAveragePool(s) f = Flatten(g)
    y = Gemm<transB=1>(f, u, t)
}"""
WEIGHTS = {
    "w": (4, 4, 3, 3), "b": (4,), "d": (4, 1, 3, 3), "e": (4,), "u": (5, 4), "t": (5,),
    "zero": np.float32(0), "six": np.float32(6),
}  # fmt: skip


@pytest.fixture
def quantize(pictures):
    def run(model, recipe="int8", **context):
        return compress(model, parse_recipe(recipe), context=Context(images=pictures(), **context))[-1].after

    return run


def scale(model, name: str) -> np.ndarray:
    return constant(model.graph.initializers[f"{name}.scale"])


def zero_point(model, name: str) -> np.ndarray:
    return constant(model.graph.initializers[f"{name}.zero_point"])


@pytest.mark.parametrize("scheme", ["tflite", "tensorrt"])
@pytest.mark.parametrize("observer", ["minmax", "percentile", "mse", "entropy"])
def test_the_result_computes_nearly_the_same(graph, pictures, quantize, scheme, observer):
    model = graph(NET, **WEIGHTS)
    batch = np.concatenate(pictures()())
    expected = OnnxRunner(model)(batch)
    found = OnnxRunner(quantize(model, f"int8(observer={observer})", scheme=scheme))(batch)
    moved = expected.max() - expected.min()
    assert 0 < np.abs(found - expected).max() < 0.05 * moved


def test_pairs_have_the_names_and_shapes_of_the_contract(graph, quantize):
    model = quantize(graph(NET, **WEIGHTS))
    operators = [node.op_type for node in model.graph]
    assert operators.count("QuantizeLinear") == operators.count("DequantizeLinear") == 11
    assert [value.name for value in model.graph.outputs] == ["y"]
    assert model.graph.outputs[0].producer().name == "y.dequantize"
    nodes = {node.name: node for node in model.graph}
    assert nodes["x.quantize"].inputs[0] is model.graph.inputs[0]
    assert nodes["w.dequantize"].attributes["axis"].as_int() == 0
    assert (scale(model, "w").shape, scale(model, "x").shape) == ((4,), ())
    assert (scale(model, "w").dtype, zero_point(model, "w").dtype) == (np.float32, np.int8)
    assert not zero_point(model, "w").any()
    biases = [node.inputs[2] for node in model.graph if node.op_type in ("Conv", "Gemm")]
    assert [value.name for value in biases] == ["b", "e", "t"], "biases stay float"
    assert roles.role(model.graph.initializers["x.scale"]) == roles.CONSTANT


def test_a_relu_starts_at_the_lowest_level_and_a_clip_ends_at_the_highest(graph, quantize):
    model = quantize(graph(NET, **WEIGHTS))
    assert (zero_point(model, "r"), zero_point(model, "q")) == (-128, -128)
    assert scale(model, "q") <= np.float32(6 / 255)
    assert scale(model, "p") == scale(model, "r")


def test_the_weights_are_within_half_a_step_of_what_they_were(graph, quantize):
    before = graph(NET, **WEIGHTS)
    after = OnnxRunner(quantize(before), outputs=["w.dequantized"]).values(np.zeros((1, 4, 8, 8), np.float32))
    weight = constant(before.graph.initializers["w"])
    steps = np.abs(weight).max(axis=(1, 2, 3), keepdims=True) / 127
    moved = np.abs(after["w.dequantized"].reshape(weight.shape) - weight)
    assert (moved <= steps / 2 * 1.0001).all()


def test_one_scale_for_a_whole_weight_where_asked(graph, quantize):
    model = quantize(graph(NET, **WEIGHTS), "int8(per_channel=false)")
    assert scale(model, "w").shape == ()
    assert "axis" not in {node.name: node for node in model.graph}["w.quantize"].attributes


def test_what_was_done_is_noted_in_the_graph(graph, quantize):
    model = quantize(graph(NET, **WEIGHTS), "int8(observer=mse)")
    assert (precision_of(model), scheme_of(model)) == ("int8", "tflite")
    noted = calibration_of(model)
    assert (noted["images"], noted["observer"], len(noted["sha256"])) == (40, "mse", 64)
    assert calibration_of(graph(NET, **WEIGHTS)) is None


def test_a_layer_stays_in_float_by_name(graph, quantize):
    model = quantize(graph(NET, **WEIGHTS), 'int8(keep_float="conv0")')
    assert "w.scale" not in model.graph.initializers
    with pytest.raises(EdgeCnnError, match="did you mean conv0"):
        quantize(graph(NET, **WEIGHTS), "int8(keep_float=conv00)")


def test_a_dictated_grid_is_rounded_again_where_it_meets_others(graph, quantize, pictures):
    body = "{ a = Sigmoid(x) b = Conv(x, w) y = Concat<axis=1>(a, b) }"
    before = graph(body, w=(4, 4, 1, 1))
    after = quantize(before, "int8(observer=minmax)")  # nothing is clipped
    assert scale(after, "a") == np.float32(1 / 256)
    again = scale(after, "a.dequantized.for.y.computed.0")
    assert again == scale(after, "y") == scale(after, "b") > scale(after, "a")
    batch = np.concatenate(pictures()())
    assert np.abs(OnnxRunner(after)(batch) - OnnxRunner(before)(batch)).max() < 2 * float(again)


def test_a_batch_norm_that_nothing_takes_in_becomes_a_depthwise_convolution(graph, quantize, pictures):
    statistics = {"g": (4,), "h": (4,), "m": (4,), "v": np.array([0.5, 1.0, 2.0, 4.0], np.float32)}
    before = graph("{ a = BatchNormalization(x, g, h, m, v) y = Relu(a) }", **statistics)
    after = quantize(before, "int8(observer=minmax)")  # nothing is clipped
    assert [node.op_type for node in after.graph if "Linear" not in node.op_type] == ["Conv", "Relu"]
    batch = np.concatenate(pictures()())
    assert np.abs(OnnxRunner(after)(batch) - OnnxRunner(before)(batch)).max() < 2 * float(scale(after, "y"))


def test_a_bias_far_larger_than_its_weights_fits_int32(graph, quantize):
    weight = np.full((2, 4, 1, 1), 1e-9, np.float32)
    weight[1] = 1.0
    model = quantize(graph("{ y = Conv(x, w, b) }", w=weight, b=np.array([1e4, 1.0], np.float32)))
    product = scale(model, "x").astype(np.float64) * scale(model, "w")
    assert (np.abs(np.array([1e4, 1.0]) / product) <= 2**30 * 1.001).all()
    assert scale(model, "w")[1] == pytest.approx(1 / 127)


def test_the_factor_between_sum_and_output_fits_a_kernel(graph, quantize):
    """An output that is always zero would get scale 1, and tiny weights a factor that no kernel can hold."""
    body = "{ a = Conv(x, w) b = Relu(a) y = Conv(b, v, c) }"
    shapes = {"w": -np.full((4, 4, 1, 1), 1e-12, np.float32), "v": (4, 4, 1, 1), "c": (4,)}
    positive = lambda: [np.abs(np.random.default_rng(0).standard_normal((40, 4, 8, 8), np.float32))]  # noqa: E731
    step = compress(graph(body, **shapes), [Call("int8")], context=Context(images=positive))[-1]
    factor = scale(step.after, "x") * scale(step.after, "w").astype(np.float64) / scale(step.after, "b")
    assert (factor >= 2.0**-30 * 0.999).all()
    assert (factor <= 128 * 1.01).all()


def test_dead_channels_and_outputs_do_no_harm(graph, quantize, pictures):
    weight = np.random.default_rng(0).standard_normal((4, 4, 1, 1)).astype(np.float32)
    weight[2] = 0
    model = quantize(graph("{ a = Conv(x, w) y = Mul(a, zero) }", w=weight, zero=np.float32(0)))
    assert scale(model, "w")[2] == scale(model, "w").max()
    assert not OnnxRunner(model)(pictures()()[0]).any()


def test_without_pictures_it_is_refused_with_the_flag_to_give(graph):
    with pytest.raises(EdgeCnnError, match="int8 needs pictures to calibrate with .--calibrate DATA"):
        compress(graph(NET, **WEIGHTS), [Call("int8")])


def test_a_quantized_graph_is_refused(graph, quantize):
    with pytest.raises(EdgeCnnError, match="quantized already: QuantizeLinear node 'x.quantize'"):
        quantize(quantize(graph(NET, **WEIGHTS)))


def test_a_halved_graph_is_refused_with_the_order_that_works(graph, quantize):
    with pytest.raises(EdgeCnnError, match=r"quantize first: int8 \| fp16"):
        quantize(graph(NET, **WEIGHTS), "fp16 | int8")


BAD = {
    "int8(observer=minmaxx)": "did you mean minmax",
    "int8(percentile=3, observer=percentile)": "percentile=3",
    "int8(percentile=high)": "not of type float",
    "int8 | int8": "twice",
    "int8(channels=true)": "unknown setting",
}


@pytest.mark.parametrize(("recipe", "message"), BAD.items(), ids=BAD)
def test_a_wrong_recipe_is_refused_before_any_work(graph, recipe, message):
    context = Context(images=lambda: pytest.fail("work began"))
    with pytest.raises(EdgeCnnError, match=message):
        compress(graph(NET, **WEIGHTS), parse_recipe(recipe), context=context)
