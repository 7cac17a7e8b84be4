"""The file as a whole: its inputs and outputs, what runs it, what it costs, mixed precision."""

import numpy as np
import onnx_ir as ir
import pytest
from onnx_ir.passes.common import ShapeInferencePass

from edgecnn.errors import EdgeCnnError, UnknownNameError
from edgecnn.export.board import run as board
from edgecnn.export.tflite import count_operators, read_operators, write
from edgecnn.profile import profile, profile_tflite
from edgecnn.runtime.litert_runner import LitertRunner
from edgecnn.runtime.micro_runner import MicroRunner
from edgecnn.runtime.onnx_runner import OnnxRunner

from .conftest import output_pair, quantize_graph

BODY = """(float[1,3,9,9] x) => (float[1,5] y) {
  c = Conv<strides=[2,2], pads=[1,1,1,1]>(x, w, b)  r = Relu(c)
  d = Conv<group=8, pads=[1,1,1,1]>(r, v, e)  s = Add(r, d)  m = MaxPool<kernel_shape=[2,2]>(s)
  j = Concat<axis=1>(m, m)  g = Conv<group=2>(j, q)  p = GlobalAveragePool(g)  f = Flatten(p)
  y = Gemm<transB=1>(f, u, z) }"""


@pytest.fixture
def images():
    return np.random.default_rng(1).standard_normal((4, 3, 9, 9), np.float32)


@pytest.fixture
def floats(graph, normal):
    weights = {"w": normal(8, 3, 3, 3), "b": normal(8), "v": normal(8, 1, 3, 3), "e": normal(8)}
    model = graph(BODY, **weights, q=normal(6, 8, 1, 1), u=normal(5, 6), z=normal(5))
    return ShapeInferencePass()(model).model


@pytest.fixture
def model(floats, images):
    return quantize_graph(floats, images)


def steps(model, left, right):
    return np.abs(left - right).max() / output_pair(model).inputs[1].const_value.numpy()


def test_int8_inputs_and_outputs_give_what_float_ones_do(model, images):
    floats, integers = write(model), write(model, io="int8")
    assert (count_operators(floats)["QUANTIZE"], count_operators(floats)["DEQUANTIZE"]) == (1, 1)
    assert not {"QUANTIZE", "DEQUANTIZE"} & set(count_operators(integers))
    np.testing.assert_array_equal(LitertRunner(integers)(images), LitertRunner(floats)(images))


def test_equal_graphs_give_equal_bytes_and_stay_as_they_were(model):
    before = ir.to_proto(model).SerializeToString()
    assert write(model, io="int8") == write(model.clone(), io="int8")
    assert ir.to_proto(model).SerializeToString() == before


def test_litert_reference_kernels_are_within_a_step(model, images):
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    data = write(model)
    reference = Interpreter(
        model_content=data, experimental_op_resolver_type=OpResolverType.BUILTIN_REF, num_threads=1
    )
    reference.allocate_tensors()
    (given,), (result,) = reference.get_input_details(), reference.get_output_details()
    for image in images:
        reference.set_tensor(given["index"], np.ascontiguousarray(image.transpose(1, 2, 0)[None]))
        reference.invoke()
        found = reference.get_tensor(result["index"])
        assert steps(model, found, LitertRunner(data)(image[None])) < 1.01


def test_tflite_micro_is_within_a_step(model, images):
    pytest.importorskip("tflite_micro", reason="TFLite Micro is not installed: pip install 'edgecnn[mcu]'")
    for io in ("float", "int8"):
        data = write(model, io=io)
        assert steps(model, MicroRunner(data)(images), LitertRunner(data)(images)) < 1.01


def test_the_boards_script_runs_a_file_with_int8_inputs_and_outputs(model, images, tmp_path, monkeypatch):
    (tmp_path / "model.tflite").write_bytes(write(model, io="int8"))
    monkeypatch.setattr(board, "BUNDLE", str(tmp_path))
    runner = board.LiteRtRunner({"path": "model.tflite", "layout": "NHWC"}, 1)
    found = np.concatenate([runner(image[None]) for image in images])
    np.testing.assert_array_equal(found, LitertRunner(write(model, io="int8"))(images))


@pytest.mark.parametrize("io", ["float", "int8"])
def test_the_profile_of_the_file_has_the_mult_adds_of_the_graph(floats, model, io):
    found = profile_tflite(write(model, io=io))
    assert not found.unknown_ops
    assert found.mult_adds == profile(floats).mult_adds
    assert found.parameters == profile(floats).parameters + 6  # the grouped convolution's zeros for a bias


def test_an_average_over_windows_is_as_free_in_the_file_as_in_the_graph(graph, normal):
    body = """(float[1,3,8,8] x) => (float[1,4,7,7] y) {
      c = Conv(x, w)  y = AveragePool<kernel_shape=[2,2]>(c) }"""
    floats = ShapeInferencePass()(graph(body, w=normal(4, 3, 1, 1))).model
    found = profile_tflite(write(quantize_graph(floats, normal(4, 3, 8, 8))))
    assert [layer.kind for layer in found.layers][1:3] == ["CONV_2D 1x1", "DEPTHWISE_CONV_2D 2x2"]
    assert found.mult_adds == profile(floats).mult_adds == 8 * 8 * 4 * 3
    assert found.parameters == profile(floats).parameters + 4  # zeros for a bias


def test_a_max_pool_behind_a_relu_is_padded_with_the_zero_point(graph):
    pool = "MaxPool<kernel_shape=[3,3], strides=[2,2], pads=[1,1,1,1]>"
    body = f"(float[1,4,8,8] x) => (float[1,4,4,4] y) {{ r = Relu(x)  y = {pool}(r) }}"
    images = np.random.default_rng(0).standard_normal((4, 4, 8, 8), np.float32)
    model = quantize_graph(graph(body), images)
    data = write(model)
    assert count_operators(data) == {"DEQUANTIZE": 1, "MAX_POOL_2D": 1, "PAD": 1, "QUANTIZE": 1, "RELU": 1}
    np.testing.assert_array_equal(LitertRunner(data)(images), OnnxRunner(model)(images))


def test_int8_weights_take_a_quarter_of_the_bytes(floats, model):
    weights = sum(
        int(np.prod(floats.graph.initializers[name].const_value.shape)) for name in ("w", "v", "q", "u")
    )
    as_float, as_int8 = (
        sum(layer.weight_bytes for layer in profile_tflite(write(each)).layers) for each in (floats, model)
    )
    assert as_float - as_int8 == 3 * weights  # int32 biases take what float32 ones do


@pytest.mark.parametrize(
    ("end", "message"),
    [("x", "input 'x' is not read through one QuantizeLinear"), ("y", "output 'y' is not quantized")],
)
def test_int8_ends_need_pairs(floats, images, end, message):
    model = quantize_graph(floats, images, unpaired=(end,))
    with pytest.raises(EdgeCnnError, match=message):
        write(model, io="int8")


@pytest.mark.parametrize("option", ["io", "weights"])
def test_an_unknown_option_is_refused_by_name(model, option):
    with pytest.raises(UnknownNameError, match="'int4'"):
        write(model, **{option: "int4"})


def test_a_layer_without_a_pair_runs_in_float_between_conversions(floats, images):
    model = quantize_graph(floats, images, float_weights=("d",))
    data = write(model)
    assert [each.name for each in read_operators(data)][:6] == [
        *("QUANTIZE", "CONV_2D", "DEQUANTIZE", "DEPTHWISE_CONV_2D", "QUANTIZE", "ADD")
    ]
    onnx = OnnxRunner(model, optimize=False)(images)
    assert steps(model, LitertRunner(data)(images), onnx) < 1.01


def test_a_value_that_the_network_also_reads_in_float_is_dequantized_once(graph, normal):
    body = """(float[1,3,4,4] x) => (float[1,3,4,4] y) {
      c = Conv(x, w)  a = Sqrt(c)  b = Neg(c)  y = Add(a, b) }"""
    images = np.abs(normal(4, 3, 4, 4))
    model = quantize_graph(graph(body, w=np.abs(normal(3, 3, 1, 1))), images)
    found = count_operators(write(model))
    assert found == {"ADD": 1, "CONV_2D": 1, "DEQUANTIZE": 2, "NEG": 1, "QUANTIZE": 3, "SQRT": 1}
