import numpy as np
import pytest

from edgecnn.errors import EdgeCnnError
from edgecnn.export import tflite
from edgecnn.graph.nodes import attribute
from edgecnn.quantize.fold import fold
from edgecnn.runtime.litert_runner import LitertRunner
from edgecnn.runtime.onnx_runner import OnnxRunner

SHUFFLE = 'DepthToSpace<blocksize=2, mode="CRD">'
SHAPES = {"w": (12, 4, 3, 3), "b": (12,)}


def modes(model):
    return [attribute(node, "mode", "DCR") for node in model.graph if node.op_type == "DepthToSpace"]


@pytest.mark.parametrize("inputs", ["x, w, b", "x, w"], ids=["with bias", "without"])
def test_a_pixel_shuffle_behind_a_convolution_becomes_tflites(graph, pictures, inputs):
    model = graph(f"{{ a = Conv<pads=[1,1,1,1]>({inputs}) y = {SHUFFLE}(a) }}", **SHAPES)
    folded = fold(model)
    assert (modes(model), modes(folded.model)) == (["CRD"], ["DCR"])
    assert "1 DepthToSpace reordered" in folded.note
    images = next(iter(pictures()()))
    expected = OnnxRunner(model)(images)
    np.testing.assert_allclose(OnnxRunner(folded.model)(images), expected, rtol=1e-5, atol=1e-5)
    found = LitertRunner(tflite.write(folded.model))(images)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


LEFT = {
    "two readers": f"a = Conv<pads=[1,1,1,1]>(x, w) b0 = {SHUFFLE}(a) c = {SHUFFLE}(a) y = Add(b0, c)",
    "something between": f"a = Conv<pads=[1,1,1,1]>(x, w) r = Relu(a) y = {SHUFFLE}(r)",
    "no convolution": f"y = {SHUFFLE}(x)",
}


@pytest.mark.parametrize("body", LEFT.values(), ids=LEFT)
def test_elsewhere_it_stays_and_the_tflite_writer_refuses_it(graph, body):
    model = fold(graph(f"{{ {body} }}", shape=(1, 8, 8, 8), w=(8, 8, 3, 3))).model
    assert set(modes(model)) == {"CRD"}
    with pytest.raises(EdgeCnnError, match="DepthToSpace node .* mode=DCR, not CRD"):
        tflite.write(model)


def test_with_one_channel_out_both_orders_are_one(graph, pictures):
    model = graph(f"{{ y = {SHUFFLE}(x) }}")
    images = next(iter(pictures()()))
    np.testing.assert_array_equal(LitertRunner(tflite.write(model))(images), OnnxRunner(model)(images))
