import numpy as np
import onnx_ir as ir
import pytest

from edgecnn.errors import EdgeCnnError
from edgecnn.graph.check import check
from edgecnn.graph.load import load
from edgecnn.graph.normalize import normalize
from edgecnn.graph.save import to_bytes
from edgecnn.runtime.onnx_runner import OnnxRunner


def model(body: str, opset: int = 13, ir_version: int = 8) -> ir.Model:
    return ir.from_onnx_text(f'<ir_version: {ir_version}, opset_import: ["" : {opset}]> {body}')


MESSY = """g (float[1,3,8,8] x, float[2,3,3,3] w) => (float[1,2,1,1] y) {
        a = Identity(x)
        two = Constant<value = float {2.0}>()
        b = Mul(a, two)
        c = Conv(b, w)
        dead = Relu(c)
        y = GlobalAveragePool(c)
    }"""


@pytest.fixture
def messy(rng):
    found = model(MESSY)
    value = found.graph.inputs.pop()
    value.const_value = ir.tensor(rng.standard_normal((2, 3, 3, 3)).astype(np.float32), name="w")
    found.graph.register_initializer(value)
    return found


def test_identities_dead_nodes_and_constant_nodes_go(messy, rng):
    image = rng.standard_normal((2, 3, 8, 8)).astype(np.float32)
    clean = normalize(messy)
    check(clean)
    assert [node.op_type for node in clean.graph] == ["Mul", "Conv", "GlobalAveragePool"]
    assert [node.op_type for node in messy.graph][:2] == ["Identity", "Constant"], (
        "the argument is left alone"
    )
    np.testing.assert_array_equal(OnnxRunner(clean)(image), OnnxRunner(messy)(image))


def test_a_file_that_was_saved_is_read_back(messy, tmp_path, rng):
    file = tmp_path / "net.onnx"
    file.write_bytes(to_bytes(normalize(messy)))
    image = rng.standard_normal((1, 3, 8, 8)).astype(np.float32)
    np.testing.assert_array_equal(OnnxRunner(load(file))(image), OnnxRunner(messy)(image))
    assert to_bytes(load(file)) == file.read_bytes()


@pytest.mark.parametrize("kept", [0, 1, 10, 100, 0.5, 0.9, -1], ids=str)
def test_a_truncated_file_is_refused_in_one_sentence(messy, tmp_path, kept):
    data = to_bytes(normalize(messy))
    file = tmp_path / "net.onnx"
    file.write_bytes(data[: int(kept * len(data)) if isinstance(kept, float) else kept])
    with pytest.raises(EdgeCnnError, match="net.onnx.*(truncated|not an ONNX)"):
        load(file)


def test_a_file_of_something_else_is_refused(tmp_path):
    file = tmp_path / "net.onnx"
    file.write_text("this is no model\n" * 100)
    with pytest.raises(EdgeCnnError, match="not an ONNX file"):
        load(file)
    with pytest.raises(EdgeCnnError, match="there is no file"):
        load(tmp_path / "other.onnx")


LATER = {
    "ReduceMean takes its axes as input": (
        "g (float[1,3,8,8] x) => (float[1,3,1,1] y) <int64[2] axes = {2, 3}> { y = ReduceMean(x, axes) }",
        18,
    ),
    "Resize has antialias": (
        """g (float[1,3,8,8] x) => (float[1,3,16,16] y) <float[4] s = {1.0, 1.0, 2.0, 2.0}>
        { y = Resize<mode="nearest", antialias=0, nearest_mode="floor",
            coordinate_transformation_mode="asymmetric">(x,,s) }""",
        19,
    ),
    "Reshape has allowzero": (
        "g (float[1,3,8,8] x) => (float[1,192] y) <int64[2] s = {1, -1}>"
        " { y = Reshape<allowzero=1>(x, s) }",
        20,
    ),
    "AveragePool has dilations": (
        "g (float[1,3,8,8] x) => (float[1,3,4,4] y)"
        " { y = AveragePool<kernel_shape=[2,2], strides=[2,2], dilations=[1,1]>(x) }",
        20,
    ),
    "Split has a number of parts": (
        "g (float[1,3,8,8] x) => (float[1,3,4,8] y) { a, b = Split<axis=2, num_outputs=2>(x) y = Mul(a, b) }",
        18,
    ),
    "HardSwish is new": ("g (float[1,3,8,8] x) => (float[1,3,8,8] y) { y = HardSwish(x) }", 14),
    "Gelu by erf": ("g (float[1,3,8,8] x) => (float[1,3,8,8] y) { y = Gelu(x) }", 20),
    "Gelu by tanh": ('g (float[1,3,8,8] x) => (float[1,3,8,8] y) { y = Gelu<approximate="tanh">(x) }', 20),
    "Mish": ("g (float[1,3,8,8] x) => (float[1,3,8,8] y) { y = Mish(x) }", 18),
    "LayerNormalization": (
        "g (float[1,3,2,2] x) => (float[1,3,2,2] y) <float[2] s = {1.0, 2.0}, float[2] b = {0.5, -0.5}>"
        " { y = LayerNormalization<epsilon = 0.1>(x, s, b) }",
        17,
    ),
    "LayerNormalization of channels and map, without a bias": (
        "g (float[1,3,2,2] x) => (float[1,3,2,2] y) <float[1] s = {2.0}>"
        " { y = LayerNormalization<axis = 1>(x, s) }",
        17,
    ),
    "InstanceNormalization is the same": (
        "g (float[1,3,8,8] x) => (float[1,3,8,8] y) <float[3] s = {1.0, 2.0, 3.0}>"
        " { y = InstanceNormalization(x, s, s) }",
        20,
    ),
    "ReduceL1 takes its axes as input": (
        "g (float[1,3,8,8] x) => (float[1,3,1,1] y) <int64[2] axes = {2, 3}> { y = ReduceL1(x, axes) }",
        18,
    ),
}  # fmt: skip


@pytest.mark.parametrize(("body", "opset"), LATER.values(), ids=LATER)
def test_a_later_opset_is_lowered_without_changing_the_output(body, opset, rng):
    later = model(body, opset, 9)
    image = rng.standard_normal(tuple(later.graph.inputs[0].shape)).astype(np.float32)
    lowered = normalize(later)
    assert lowered.opset_imports[""] == 13
    check(lowered)
    np.testing.assert_allclose(OnnxRunner(lowered)(image), OnnxRunner(later)(image), rtol=1e-5, atol=1e-6)


REFUSED = {
    "dynamic input": ("g (float[N,3,8,8] x) => (float[N,3,8,8] y) { y = Relu(x) }", 13, "--input x:1x3"),
    "two inputs": ("g (float[1] x, float[1] z) => (float[1] y) { y = Add(x, z) }", 13, "2 inputs"),
    "two outputs": ("g (float[1] x) => (float[1] y, float[1] z) { y = Relu(x) z = Neg(x) }", 13, "2 outputs"),
    "uneven parts": (
        "g (float[1,3,4,4] x) => (float[1,1,4,4] y)"
        " { a, y = Split<axis=1, num_outputs=2>(x) }",
        18,
        "splits 3 entries into 2 parts",
    ),
    "another domain": ("g (float[1] x) => (float[1] y) { y = com.acme.Foo(x) }", 13, "com.acme"),
    "an operator of later opsets": (
        "g (float[1,4,2,2] x) => (float[1,4,2,2] y) <float[1] s = {1.0}>"
        " { y = GroupNormalization<num_groups = 2>(x, s, s) }",
        20,
        "GroupNormalization",
    ),
    "a norm that gives its mean": (
        "g (float[1,3,2,2] x) => (float[1,3,2,2] y) <float[2] s = {1.0, 2.0}>"
        " { n, m = LayerNormalization(x, s) y = Add(n, m) }",
        17,
        "also gives its mean",
    ),
    "a real dilation": (
        "g (float[1,3,8,8] x) => (float[1,3,6,6] y)"
        " { y = AveragePool<kernel_shape=[2,2], dilations=[2,2]>(x) }",
        19,
        "dilations",
    ),
    "control flow": (
        """g (bool c, float[1] x) => (float[1] y)
        { y = If(c) <then_branch = t () => (float[1] a) { a = Relu(x) },
                     else_branch = e () => (float[1] b) { b = Neg(x) }> }""",
        13,
        "control flow",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("body", "opset", "sentence"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_normalized_is_refused_by_name(body, opset, sentence):
    found = model(body, opset, 9)
    if "acme" in body:
        found.opset_imports["com.acme"] = 1
    with pytest.raises(EdgeCnnError, match=sentence):
        normalize(found)


def test_an_older_opset_is_raised():
    found = normalize(model("g (float[1,3] x) => (float[1,3] y) { y = Softmax<axis=1>(x) }", 11, 6))
    assert found.opset_imports[""] == 13


def test_the_parts_of_an_operator_have_its_name():
    found = model("g (float[1,4] x) => (float[1,4] y) { y = Gelu(x) }", 20, 9)
    found.graph[0].name = "block.0.act"
    assert {node.name.split("/")[0] for node in normalize(found).graph} == {"block.0.act"}
