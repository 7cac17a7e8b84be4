import numpy as np
import onnx_ir as ir
import pytest
from onnx_ir.passes.common import ShapeInferencePass

from edgecnn.errors import EdgeCnnError
from edgecnn.graph.check import check
from edgecnn.graph.layout import reads_nhwc, to_nchw
from edgecnn.graph.save import to_bytes
from edgecnn.runtime.onnx_runner import OnnxRunner

TO_FIRST, TO_LAST = (0, 3, 1, 2), (0, 2, 3, 1)
ARRAYS = {
    "w": (4, 3, 3, 3),
    "offsets": (3,),
    "scale": (1, 1, 1, 3),
    "map": (6, 7, 3),
}


def build(body: str, shape=(1, 6, 7, 3)) -> ir.Model:
    rng = np.random.default_rng(0)
    arrays = {name: rng.standard_normal(size, np.float32) for name, size in ARRAYS.items() if name in body}
    arrays |= {"two": np.array(2, np.float32)} if "two" in body else {}
    sizes = ",".join(map(str, shape))
    text = f'<ir_version: 7, opset_import: ["" : 13]> g (float[{sizes}] x) => (float[?] y) {{ {body} }}'
    held = [ir.tensor(array, name=name) for name, array in arrays.items()]
    model = ir.from_onnx_text(text, initializers=held)
    model.graph.outputs[0].shape = None
    return ShapeInferencePass()(model).model


OUT = " # images"
FIRST, LAST = "<perm = [0, 3, 1, 2]>", "<perm = [0, 2, 3, 1]>"
# The nodes, and the operators that are left of them.
BODIES = {
    "TensorFlow's": (
        f"a = Transpose{FIRST}(x) b = Conv(a, w) y = GlobalAveragePool(b)", "Conv GlobalAveragePool",
    ),
    "scaled before": (
        f"a = Sub(x, offsets) b = Mul(a, scale) c = Transpose{FIRST}(b) y = Conv(c, w)", "Sub Mul Conv",
    ),
    "a number first": (f"a = Sub(two, x) c = Transpose{FIRST}(a) y = Conv(c, w)", "Sub Conv"),
    "a map": (f"a = Add(x, map) b = Tanh(a) c = Transpose{FIRST}(b) y = Conv(c, w)", "Add Tanh Conv"),
    "images out": (f"a = Transpose{FIRST}(x) b = Conv(a, w) y = Transpose{LAST}(b)" + OUT, "Conv"),
    "classes of pixels out": (
        f"a = Transpose{FIRST}(x) b = Conv(a, w) c = Transpose{LAST}(b) y = Softmax(c)" + OUT, "Conv Softmax",
    ),
    "only number by number": ("a = Mul(x, scale) y = Relu(a)" + OUT, "Mul Relu"),
    "nothing but a turn": (f"y = Transpose{FIRST}(x)", "Transpose Transpose"),
    "two turns": (
        f"a = Transpose{FIRST}(x) b = Transpose{FIRST}(x) c = Conv(a, w) d = Conv(b, w) y = Add(c, d)",
        "Conv Conv Add",
    ),
    "a mean over the map": (
        f"a = Transpose{FIRST}(x) b = Conv(a, w) c = Transpose{LAST}(b)"
        " y = ReduceMean<axes = [1, 2], keepdims = 0>(c)",
        "Conv ReduceMean",
    ),
    "a mean over channels": (
        f"a = ReduceMean<axes = [3]>(x) b = Sub(x, a) c = Transpose{FIRST}(b) y = Conv(c, w)",
        "Transpose ReduceMean Sub Transpose Conv",
    ),
    "never turned back": ("y = ReduceMax<axes = [1, 2], keepdims = 0>(x)", "Transpose ReduceMax"),
}  # fmt: skip


@pytest.mark.parametrize(("body", "left"), BODIES.values(), ids=BODIES)
def test_the_outputs_are_those_of_the_turned_images(body, left):
    model = build(body.removesuffix(OUT))
    before = to_bytes(model)
    found = to_nchw(model)
    assert to_bytes(model) == before
    check(found)
    images = np.random.default_rng(1).standard_normal((2, 3, 6, 7)).astype(np.float32)
    expected = OnnxRunner(model)(np.ascontiguousarray(images.transpose(TO_LAST)))
    if body.endswith(OUT):
        expected = expected.transpose(TO_FIRST)
    np.testing.assert_allclose(OnnxRunner(found)(images), expected, rtol=1e-5, atol=1e-6)
    assert [node.op_type for node in found.graph] == left.split()
    assert (found.graph.inputs[0].name, found.graph.outputs[0].name) == ("x", "y")
    assert list(found.graph.inputs[0].shape) == [1, 3, 6, 7]


def test_a_graph_that_turns_its_input_first_is_known_by_that():
    assert reads_nhwc(build(BODIES["TensorFlow's"][0]))
    assert not reads_nhwc(build(BODIES["never turned back"][0]))


def test_what_is_no_image_is_refused():
    with pytest.raises(EdgeCnnError, match=r"--layout NHWC is for images.*\[1, 6\]"):
        to_nchw(build("y = Relu(x)", (1, 6)))
