"""`to_fp16`: float16 inside, float32 at the ends, close to float32, and the argument untouched."""

import numpy as np
import onnx
import onnx_ir as ir
import onnxruntime
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgecnn.errors import EdgeCnnError
from edgecnn.export.tensorrt import GENERATIONS, lint, to_fp16

SMALL = """
g (float[1,3,8,8] input) => (float[1,5] output)
<float[4,3,3,3] w, float[4] b, float low = {0.0}, float high, float[5,4] fc>
{
    c = Conv <kernel_shape=[3,3], pads=[1,1,1,1]> (input, w, b)
    r = Clip(c, low, high)
    l = LRN <size=3> (r)
    g = GlobalAveragePool(l)
    f = Flatten <axis=1> (g)
    output = Gemm <transB=1> (f, fc)
}
"""


@pytest.fixture
def small(graph):
    rng = np.random.default_rng(0)
    weights = {"w": rng.normal(size=(4, 3, 3, 3)), "b": rng.normal(size=4), "fc": rng.normal(size=(5, 4))}
    return graph(SMALL, high=6, **weights)


def run(model, values):
    proto = ir.to_proto(model)
    session = onnxruntime.InferenceSession(proto.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {"input": values})[0]


def test_the_result_computes_nearly_the_same(small):
    values = np.random.default_rng(1).normal(size=(1, 3, 8, 8)).astype(np.float32)
    full, half = run(small, values), run(to_fp16(small), values)
    assert half.dtype == np.float32
    # 2^-11 relative rounding at each of a handful of layers.
    np.testing.assert_allclose(half, full, atol=8 * 2**-11 * np.abs(full).max())
    assert np.any(half != full)


def test_inside_everything_is_float16_and_the_ends_are_float32(small):
    half = to_fp16(small)
    names = [(node.op_type, node.outputs[0].dtype) for node in half.graph]
    float16 = ir.DataType.FLOAT16
    assert names[0] == ("Cast", float16)
    assert names[-1] == ("Cast", ir.DataType.FLOAT)
    assert [kind for _, kind in names[:-1]] == [float16] * 7
    assert {value.dtype for value in half.graph.initializers.values()} == {float16}
    assert [(value.name, value.dtype) for value in half.graph.inputs] == [("input", ir.DataType.FLOAT)]
    assert [(value.name, value.dtype) for value in half.graph.outputs] == [("output", ir.DataType.FLOAT)]


def test_nothing_else_changes(small):
    half = to_fp16(small)
    assert [node.op_type for node in half.graph][1:-1] == [node.op_type for node in small.graph]
    assert half.graph.opset_imports == small.graph.opset_imports
    assert half.ir_version == small.ir_version
    assert set(half.graph.initializers) == set(small.graph.initializers)
    onnx.checker.check_model(ir.to_proto(half), full_check=True)
    assert lint(half, tuple(GENERATIONS)) == []


def test_the_argument_is_unchanged(small):
    before = ir.to_proto(small).SerializeToString(deterministic=True)
    to_fp16(small)
    assert ir.to_proto(small).SerializeToString(deterministic=True) == before


def test_values_beyond_the_range_are_refused_by_name(graph):
    with pytest.raises(EdgeCnnError, match="b holds values beyond fp16's range of 65504"):
        to_fp16(graph(SMALL, b=[0, 0, 7e4, 0]))


def test_the_largest_value_that_rounds_into_the_range_is_kept(graph):
    largest = np.nextafter(np.float32(65520), np.float32(0))  # half-way to the next power is 65520
    half = to_fp16(graph(SMALL, b=largest))
    assert half.graph.initializers["b"].const_value.numpy().tolist() == [65504.0] * 4


def test_what_is_infinite_already_stays(graph):
    half = to_fp16(graph(SMALL, high=np.inf))
    assert np.isinf(half.graph.initializers["high"].const_value.numpy())


def test_values_lost_to_the_range_are_counted(graph):
    bias = [2**-26, 2**-20, -(2**-15), 1.0]  # becomes 0; subnormal; subnormal; exact
    props = to_fp16(graph(SMALL, b=bias)).metadata_props
    assert (props["edgecnn.fp16.flushed"], props["edgecnn.fp16.subnormal"]) == ("1", "2")


@given(st.floats(min_value=-65504, max_value=65504, width=32))
def test_a_weight_is_off_by_half_a_unit_in_the_last_place_at_most(value):
    text = "g (float[1] input) => (float[1] output) <float[1] w = {0.0}> { output = Add(input, w) }"
    model = ir.from_proto(onnx.parser.parse_model('<ir_version: 7, opset_import: ["" : 13]>' + text))
    model.graph.initializers["w"].const_value = ir.Tensor(np.array([value], np.float32), name="w")
    half = to_fp16(model).graph.initializers["w"].const_value.numpy()[0]
    assert abs(float(half) - value) <= max(abs(value) * 2**-11, 2**-25)


RESIZE = """
g (float[1,1,1,4] input) => (float[1,1,2,8] output)
<float[4] scales = {1.0, 1.0, 2.0, 2.0}>
{ s = FIRST output = Resize <mode="nearest"> (s, , scales) }
"""


def test_what_onnx_wants_in_float32_stays(graph):
    half = to_fp16(graph(RESIZE.replace("FIRST", "Relu(input)")))
    assert {name: value.dtype for name, value in half.graph.initializers.items()} == {
        "scales": ir.DataType.FLOAT
    }
    onnx.checker.check_model(ir.to_proto(half), full_check=True)


def test_an_initializer_of_both_kinds_is_split(graph):
    half = to_fp16(graph(RESIZE.replace("FIRST", "Add(input, scales)")))
    kinds = {name: value.dtype for name, value in half.graph.initializers.items()}
    assert kinds == {"scales": ir.DataType.FLOAT16, "scales.fp32": ir.DataType.FLOAT}
    onnx.checker.check_model(ir.to_proto(half), full_check=True)


def test_constants_behind_nodes_are_refused(graph):
    text = "x = Constant <value = float[1] {1.0}> () output = Add(input, x)"
    with pytest.raises(EdgeCnnError, match="normalize the graph first"):
        to_fp16(graph(f"g (float[1] input) => (float[1] output) {{ {text} }}"))


def test_pairs_stay_in_float32_between_casts(graph):
    pair = "q = QuantizeLinear(r, s, z) d = DequantizeLinear(q, s, z)"
    model = graph(
        f"g (float[1,4] input) => (float[1,4] output) <float s = {{0.1}}, int8 z = {{0}}>"
        f"{{ r = Relu(input) {pair} output = Neg(d) }}"
    )
    half = to_fp16(model)
    operators = [node.op_type for node in half.graph]
    assert operators == [
        *("Cast", "Relu", "Cast", "QuantizeLinear", "DequantizeLinear", "Cast", "Neg", "Cast")
    ]
    assert half.graph.initializers["s"].dtype == ir.DataType.FLOAT
    batch = np.array([[0.26, -1.0, 3.04, 100.0]], np.float32)
    assert run(half, batch)[0] == pytest.approx([-0.3, 0.0, -3.0, -12.7], rel=1e-3)  # 127 steps of 0.1


def test_an_output_that_is_used_inside_too_is_cast_at_the_end_only(graph):
    ends = "g (float[1,4] input) => (float[1,4] output, float[1,4] more)"
    half = to_fp16(graph(ends + "{ output = Relu(input) more = Neg(output) }"))
    onnx.checker.check_model(ir.to_proto(half), full_check=True)
    assert [value.name for value in half.graph.outputs] == ["output", "more"]
    assert [node.op_type for node in half.graph] == ["Cast", "Relu", "Neg", "Cast", "Cast"]
