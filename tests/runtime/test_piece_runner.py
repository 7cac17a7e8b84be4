import numpy as np
import onnx_ir as ir
import pytest

from edgecnn.errors import EdgeCnnError
from edgecnn.graph import shapes
from edgecnn.runtime.onnx_runner import OnnxRunner
from edgecnn.runtime.piece_runner import PieceRunner

# The identity on one channel, then on a sum; between pairs of scale 1, the weight has no pair.
GRAPH = shapes.infer(
    ir.from_onnx_text("""<ir_version: 7, opset_import: ["" : 13]>
g (float[1,1,1,4] x) => (float[1,1,1,4] z)
<float[1,1,1,1] w = {0.3}, float s = {1.0}, int8 zero = {0}>
{
    q = QuantizeLinear(x, s, zero)
    d = DequantizeLinear(q, s, zero)
    y = Conv(d, w)
    r = QuantizeLinear(y, s, zero)
    e = DequantizeLinear(r, s, zero)
    z = Add(e, d)
}""")
)
X = np.array([[[[0.6, 24.0, 55.0, -13.0]]]], np.float32)


def test_a_piece_starts_and_ends_where_it_is_told():
    first = PieceRunner(GRAPH, ["x"], ["r", "q"])({"x": X})
    assert {name: values.dtype for name, values in first.items()} == {"r": np.int8, "q": np.int8}
    np.testing.assert_array_equal(first["q"].ravel(), [1, 24, 55, -13])
    np.testing.assert_array_equal(first["r"].ravel(), np.rint(0.3 * np.array([1, 24, 55, -13])))
    found = PieceRunner(GRAPH, ["r", "q"], ["z"])(first)["z"]
    np.testing.assert_array_equal(found, OnnxRunner(GRAPH, optimize=False)(X))


def test_a_float_weight_between_quantized_activations_is_not_rounded():
    # ONNX Runtime left to itself makes an int8 kernel of the three: 0.0035 is then 0 of a scale of 1 / 127.
    graph = GRAPH.clone()
    weights = np.array([0.0035] * 8 + [1.0], np.float32).reshape(1, 1, 1, 9)
    old = graph.graph.initializers["w"]
    old.const_value, old.shape = ir.Tensor(weights, name="w"), ir.Shape(weights.shape)
    conv = next(node for node in graph.graph if node.op_type == "Conv")
    conv.attributes.add(ir.AttrInt64s("pads", [0, 4, 0, 4]))
    found = PieceRunner(graph, ["x"], ["r"])({"x": np.full((1, 1, 1, 4), 100, np.float32)})["r"]
    assert found.ravel().tolist() == [1, 1, 1, 1]  # 4 * 100 * 0.0035 = 1.4


def test_an_input_of_another_shape_is_refused():
    with pytest.raises(EdgeCnnError, match="cannot run the piece of g up to z"):
        PieceRunner(GRAPH, ["x"], ["z"])({"x": X[..., :3]})
