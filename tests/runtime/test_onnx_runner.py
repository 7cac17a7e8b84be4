from pathlib import Path

import numpy as np
import onnx_ir as ir
import pytest

from edgecnn.errors import EdgeCnnError, UnknownNameError
from edgecnn.runtime.onnx_runner import OnnxRunner

TEXT = """<ir_version: 7, opset_import: ["" : 13]>
small (float[N,3,4,4] input, float[64,3,1,1] w, float[64] b, float[10,64] fc) => (float[N,10] output) {
  conv = Conv <kernel_shape=[1,1]> (input, w, b)
  relu = Relu(conv)
  pool = GlobalAveragePool(relu)
  flat = Flatten <axis=1> (pool)
  output = Gemm <transB=1> (flat, fc)
}"""

RNG = np.random.default_rng(0)
W = RNG.standard_normal((64, 3, 1, 1)).astype(np.float32)  # 768 bytes: serialized
B = RNG.standard_normal(64).astype(np.float32)
FC = RNG.standard_normal((10, 64)).astype(np.float32)  # 2560 bytes: handed over
IMAGES = RNG.standard_normal((5, 3, 4, 4)).astype(np.float32)


def graph(batch=1, text=TEXT):
    tensors = [ir.tensor(array, name=name) for name, array in (("w", W), ("b", B), ("fc", FC))]
    model = ir.from_onnx_text(text.replace("N", str(batch)), initializers=tensors)
    del model.graph.inputs[1:]
    return model


def relu(images):
    planes = np.einsum("oi,nihw->nohw", W[:, :, 0, 0], images) + B[:, None, None]
    return np.maximum(planes, 0)


def expected(images):
    return relu(images).mean((2, 3)) @ FC.T


@pytest.fixture
def file(tmp_path):
    ir.save(graph(), tmp_path / "small.onnx")
    return tmp_path / "small.onnx"


@pytest.mark.parametrize("batch", [1, 5, "N"], ids=["one by one", "five at once", "any number"])
@pytest.mark.parametrize("optimize", [True, False], ids=["optimized", "as written"])
def test_the_first_output_comes_back_for_every_image(batch, optimize):
    result = OnnxRunner(graph(batch), optimize=optimize)(IMAGES)
    assert result.dtype == np.float32
    assert np.allclose(result, expected(IMAGES), atol=1e-5)


def test_a_file_gives_what_its_graph_gives(file):
    assert np.array_equal(OnnxRunner(file)(IMAGES), OnnxRunner(graph())(IMAGES))
    assert np.array_equal(OnnxRunner(str(file), outputs=["relu"])(IMAGES), OnnxRunner(graph())(IMAGES))


def test_weights_in_a_file_of_their_own_are_found(tmp_path):
    ir.save(graph(), tmp_path / "small.onnx", external_data="weights.bin", size_threshold_bytes=0)
    model = ir.load(tmp_path / "small.onnx")
    assert isinstance(model.graph.initializers["w"].const_value, ir.ExternalTensor)
    for source in (tmp_path / "small.onnx", model):
        assert np.allclose(OnnxRunner(source)(IMAGES), expected(IMAGES), atol=1e-5)


@pytest.mark.parametrize("batch", [1, 5], ids=["one by one", "at once"])
def test_intermediate_values_are_given_by_name_for_every_image(batch):
    runner = OnnxRunner(graph(batch), outputs=["relu", "flat", "output"])
    values = runner.values(IMAGES)
    assert {name: value.shape for name, value in values.items()} == {
        "relu": (5, 64, 4, 4),
        "flat": (5, 64),
        "output": (5, 10),
    }
    assert np.allclose(values["relu"], relu(IMAGES), atol=1e-5)
    assert np.array_equal(values["output"], runner(IMAGES))


def test_without_outputs_there_are_no_values():
    assert OnnxRunner(graph()).values(IMAGES) == {}


def test_a_value_without_a_batch_dimension_is_stacked():
    text = TEXT.replace("=> (float[N,10] output)", "=> (float[10] output)").replace(
        "output = Gemm <transB=1> (flat, fc)",
        "y = Gemm <transB=1> (flat, fc) axes = Constant <value_ints=[0]> () output = Squeeze(y, axes)",
    )
    assert np.allclose(OnnxRunner(graph(text=text))(IMAGES), expected(IMAGES), atol=1e-5)
    assert OnnxRunner(graph(text=text))(IMAGES[:1]).shape == (1, 10)


def test_the_graph_is_not_changed():
    model = graph()
    before = dict(model.graph.initializers)
    tensors = {name: value.const_value for name, value in before.items()}
    OnnxRunner(model, outputs=["relu"])(IMAGES)
    assert [value.name for value in model.graph.outputs] == ["output"]
    assert {name: value.const_value for name, value in model.graph.initializers.items()} == tensors
    assert np.array_equal(tensors["fc"].numpy(), FC)


def test_the_weights_outlive_the_graph():
    runner = OnnxRunner(graph())
    noise = [RNG.standard_normal((10, 64)).astype(np.float32) for _ in range(50)]
    assert np.allclose(runner(IMAGES), expected(IMAGES), atol=1e-5)
    assert len(noise) == 50


def test_only_small_weights_are_serialized(monkeypatch):
    import onnxruntime

    seen = []
    session = onnxruntime.InferenceSession
    monkeypatch.setattr(
        onnxruntime,
        "InferenceSession",
        lambda source, *rest, **more: seen.append(source) or session(source, *rest, **more),
    )
    OnnxRunner(graph())
    assert W.tobytes() in seen[0]
    assert FC.tobytes() not in seen[0]


def test_an_unknown_value_is_answered_with_the_nearest():
    with pytest.raises(UnknownNameError, match="unknown value of the graph 'rel'; did you mean relu"):
        OnnxRunner(graph(), outputs=["rel"])


@pytest.mark.parametrize(
    "images",
    [IMAGES[:, :2], IMAGES[:, :, :3], IMAGES[0], IMAGES[:0]],
    ids=["channels", "height", "no batch", "empty"],
)
def test_images_of_another_shape_are_refused(images):
    with pytest.raises(EdgeCnnError, match=r"small takes images of shape 1 x 3 x 4 x 4, not \("):
        OnnxRunner(graph())(images)


def test_a_batch_that_is_no_multiple_of_the_graph_s_is_refused():
    with pytest.raises(EdgeCnnError, match="shape 2 x 3 x 4 x 4"):
        OnnxRunner(graph(2))(IMAGES)


@pytest.mark.parametrize("outputs", [[], ["relu"]], ids=["by ONNX Runtime", "for values"])
@pytest.mark.parametrize(
    "damage",
    [lambda data: b"", lambda data: data[:100], lambda data: data[:-100], lambda data: b"no graph " * 99],
    ids=["empty", "truncated early", "truncated late", "text"],
)
def test_a_damaged_file_is_named_in_one_line(file, capfd, outputs, damage):
    file.write_bytes(damage(file.read_bytes()))
    with pytest.raises(EdgeCnnError, match=r"small\.onnx") as caught:
        OnnxRunner(file, outputs=outputs)
    assert "\n" not in str(caught.value)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("outputs", [[], ["relu"]], ids=["by ONNX Runtime", "for values"])
def test_a_missing_file_and_a_folder_are_named(tmp_path, outputs):
    for path in (tmp_path / "nowhere.onnx", tmp_path):
        with pytest.raises(EdgeCnnError, match=f"there is no ONNX file {path}"):
            OnnxRunner(path, outputs=outputs)


def test_missing_weights_of_a_file_are_named(tmp_path):
    ir.save(graph(), tmp_path / "small.onnx", external_data="weights.bin", size_threshold_bytes=0)
    Path(tmp_path / "weights.bin").unlink()
    for outputs in ([], ["relu"]):
        with pytest.raises(EdgeCnnError, match=r"small\.onnx"):
            OnnxRunner(tmp_path / "small.onnx", outputs=outputs)


@pytest.mark.parametrize(
    "change",
    [("Relu(", "Rilu("), ('"" : 13', '"" : 99'), ("float[N,3,4,4] input", "double[N,3,4,4] input")],
    ids=["operator", "opset", "type"],
)
def test_a_graph_that_onnx_runtime_cannot_run_is_refused_in_one_line(capfd, change):
    with pytest.raises(EdgeCnnError, match="small") as caught:
        OnnxRunner(graph(text=TEXT.replace(*change)))
    assert "\n" not in str(caught.value)
    assert capfd.readouterr().err == ""


def test_a_graph_of_two_inputs_is_refused():
    text = (
        TEXT.replace("(float[N,3,4,4] input,", "(float[N,3,4,4] input, float[N,3,4,4] second,")
        .replace("(input, w, b)", "(both, w, b)")
        .replace("conv =", "both = Add(input, second) conv =")
    )
    model = ir.from_onnx_text(
        text.replace("N", "1"),
        initializers=[ir.tensor(a, name=n) for n, a in (("w", W), ("b", B), ("fc", FC))],
    )
    del model.graph.inputs[2:]
    with pytest.raises(
        EdgeCnnError, match=r"must have one input of type float, not input: tensor\(float\), second"
    ):
        OnnxRunner(model)
