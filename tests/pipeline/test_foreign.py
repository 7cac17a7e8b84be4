"""Graphs of other tools, whose images are NHWC."""

import numpy as np
import onnx_ir as ir
import pytest

from edgecnn.errors import EdgeCnnError, VerificationError
from edgecnn.export.verify import runner
from edgecnn.pipeline import foreign
from edgecnn.pipeline.deploy import deploy
from edgecnn.pipeline.network import open_network
from edgecnn.pipeline.quantization import Quantization
from edgecnn.pipeline.shrink import compress
from edgecnn.runtime.onnx_runner import OnnxRunner

DIGITS = {"mean": (0.5,), "std": (0.5,), "channel_order": "L"}
TO_LAST = (0, 2, 3, 1)


@pytest.fixture
def nhwc(tmp_path):
    """A file as tf2onnx writes them: pixels are scaled, turned, and seen by convolutions."""
    rng = np.random.default_rng(0)
    sizes = {"w": (8, 1, 3, 3), "b": (8,), "v": (10, 8 * 6 * 6)}
    arrays = {name: rng.standard_normal(size, np.float32) for name, size in sizes.items()}
    arrays["mean"] = np.array([0.1], np.float32)
    model = ir.from_onnx_text(
        """<ir_version: 7, opset_import: ["" : 13]> g (float[1,8,8,1] x) => (float[1,10] y) {
            a = Sub(x, mean)
            c = Transpose<perm = [0, 3, 1, 2]>(a)
            d = Conv(c, w, b)
            e = Relu(d)
            f = Flatten(e)
            y = Gemm<transB = 1>(f, v)
        }""",
        initializers=[ir.tensor(array, name=name) for name, array in arrays.items()],
    )
    ir.save(model, tmp_path / "net.onnx")
    return tmp_path / "net.onnx"


def test_it_is_exported_in_int8_and_answers_as_the_file_did(nhwc, tmp_path):
    asked = Quantization(int8=True, calibrate="digits", calibrate_images=32)
    made = deploy(nhwc, "pi4", out=tmp_path / "b", layout="NHWC", preprocessing=DIGITS, quantization=asked)
    hop = made.parity[0]
    assert (hop.hop, hop.holds) == ("nhwc → nchw", True)
    samples = np.load(tmp_path / "b/sample/input.npy")
    assert samples.shape[1:] == (1, 8, 8)
    expected = OnnxRunner(nhwc)(np.ascontiguousarray(samples.transpose(TO_LAST)))
    found = runner(tmp_path / "b/model.tflite")(samples)
    assert np.abs(found - expected).max() < 0.05 * np.ptp(expected)


def test_what_is_compressed_takes_nchw(nhwc, tmp_path):
    compress(nhwc, "fold", tmp_path / "out.onnx", layout="NHWC")
    samples = np.random.default_rng(1).standard_normal((3, 1, 8, 8)).astype(np.float32)
    expected = OnnxRunner(nhwc)(np.ascontiguousarray(samples.transpose(TO_LAST)))
    np.testing.assert_allclose(OnnxRunner(tmp_path / "out.onnx")(samples), expected, rtol=1e-4, atol=1e-5)


def test_a_file_that_turns_its_images_is_not_guessed_about(nhwc, tmp_path):
    graph = ir.load(nhwc)
    turn, first = graph.graph[1], graph.graph[0]
    turn.replace_input_with(0, graph.graph.inputs[0])
    graph.graph.remove(first, safe=True)
    ir.save(graph, tmp_path / "turned.onnx")
    with pytest.raises(EdgeCnnError, match=r"turns it from NHWC to NCHW first; give --layout NHWC"):
        open_network(tmp_path / "turned.onnx")
    assert open_network(tmp_path / "turned.onnx", layout="NCHW").preprocessing.channels == 8
    assert open_network(tmp_path / "turned.onnx", layout="NHWC").preprocessing.channels == 1


def test_channels_that_do_not_fit_point_to_the_layout(nhwc):
    with pytest.raises(EdgeCnnError, match="takes 8 channel.*give --layout NHWC"):
        deploy(nhwc, "pi4", preprocessing=DIGITS)


@pytest.mark.parametrize(
    ("model", "layout", "sentence"),
    [
        ("lenet", "NHWC", "--layout is for an .onnx file's images, and lenet is none"),
        ("net.tflite", "NHWC", "and net.tflite is none"),
        (None, "CHWN", "unknown layout 'CHWN'"),
    ],
    ids=["a spec", "a compiled file", "no layout"],
)
def test_a_layout_that_means_nothing_is_refused(nhwc, model, layout, sentence):
    with pytest.raises(EdgeCnnError, match=sentence):
        open_network(model or nhwc, layout=layout)


def test_a_form_that_answers_otherwise_is_caught(nhwc, monkeypatch):
    def wrong(model):
        turned = foreign_to_nchw(model)
        graph = turned.graph
        array = graph.initializers["w"].const_value.numpy()
        graph.initializers["w"].const_value = ir.tensor(np.ascontiguousarray(array[:, :, ::-1]), name="w")
        return turned

    foreign_to_nchw = foreign.to_nchw
    monkeypatch.setattr(foreign, "to_nchw", wrong)
    with pytest.raises(VerificationError, match="nhwc → nchw: outputs differ"):
        open_network(nhwc, layout="NHWC")
