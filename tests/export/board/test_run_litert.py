"""run.py of a LiteRT bundle, on the real LiteRT; int8 inputs and outputs on a stand-in interpreter."""

import sys
from types import ModuleType

import numpy as np
import onnx
import onnx_ir as ir
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

from edgecnn.export.tflite import write


def fill(bundle, model):
    given = np.random.default_rng(3).normal(size=(3, 3, 8, 8)).astype(np.float32)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    expected = np.concatenate([session.run(None, {"input": one[None]})[0] for one in given])
    np.save(bundle.folder / "sample" / "input.npy", given)
    np.save(bundle.folder / "sample" / "output.npy", expected)
    (bundle.folder / "model.tflite").write_bytes(write(ir.from_proto(model)))
    artifact = {"path": "model.tflite", "format": "tflite", "precision": "fp32", "layout": "NHWC"}
    bundle.change(
        runtime="litert",
        artifacts=[artifact | {"max_abs_error_allowed": 1e-5}],
        output={"name": "output", "shape": list(expected.shape[1:] and (1, *expected.shape[1:]))},
    )
    bundle.list_files()
    return bundle


@pytest.fixture
def arm_bundle(empty_bundle, make_model):
    """Give a bundle with a real .tflite file."""
    return fill(empty_bundle, make_model())


def test_a_real_tflite_file_verifies(arm_bundle):
    ran = arm_bundle.run("verify", "--json")
    assert (ran.code, ran.json["ok"]) == (0, True)
    assert ran.json["runtime"].startswith("ai_edge_litert 2")
    assert ran.json["checks"][-1]["max_abs_error"] <= 1e-5


def test_an_output_with_pixels_is_compared_in_the_onnx_layout(empty_bundle):
    weight = np.random.default_rng(4).normal(size=(2, 3, 3, 3)).astype(np.float32)
    graph = helper.make_graph(
        [helper.make_node("Conv", ["input", "w"], ["output"], kernel_shape=[3, 3], strides=[2, 2])],
        "pixels",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, [1, 3, 8, 8])],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, [1, 2, 3, 3])],
        [numpy_helper.from_array(weight, "w")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=7)
    ran = fill(empty_bundle, onnx.shape_inference.infer_shapes(model)).run("verify")
    assert (ran.code, ran.err) == (0, "")


def test_a_picture_is_classified(arm_bundle, tmp_path):
    Image.new("RGB", (30, 20), (9, 200, 100)).save(tmp_path / "picture.png")
    found = arm_bundle.run("infer", str(tmp_path / "picture.png"), "--json").json
    assert len(found["top"]) == 5
    assert sum(each["probability"] for each in found["top"]) == pytest.approx(1)


def test_latency_is_measured_with_the_threads_asked_for(arm_bundle):
    found = arm_bundle.run("bench", "--runs", "5", "--warmup", "1", "--threads", "2", "--json").json
    assert (found["environment"]["threads"], found["runs"]) == (2, 5)
    assert 0 < found["min_s"] <= found["median_s"] <= found["p90_s"] <= found["p99_s"]
    assert found["init_s"] > 0 < found["first_s"]
    assert found["environment"]["peak_rss_bytes"] > 1 << 20


def test_wrong_outputs_fail_and_give_no_latency(arm_bundle):
    sample = arm_bundle.folder / "sample" / "output.npy"
    np.save(sample, np.load(sample) + np.float32(1e-3))
    arm_bundle.list_files()
    verified, measured = arm_bundle.run("verify"), arm_bundle.run("bench")
    assert (verified.code, measured.code, measured.out) == (1, 1, "")
    assert "FAIL outputs of fp32: differ by up to 0.001, allowed 1e-05" in verified.out


def test_a_file_that_litert_cannot_load_is_one_sentence(arm_bundle):
    (arm_bundle.folder / "model.tflite").write_bytes(b"no model" * 100)
    arm_bundle.list_files()
    ran = arm_bundle.run("verify")
    assert (ran.code, ran.out, ran.err.count("\n")) == (1, "", 1)
    assert "cannot load model.tflite" in ran.err


def test_a_bundle_without_its_precision_is_refused(arm_bundle):
    assert (
        "the bundle has no fp16 artifact; it has fp32" in arm_bundle.run("bench", "--precision", "fp16").err
    )


def test_without_a_runtime_the_package_to_install_is_named(arm_bundle, monkeypatch):
    for name in ("ai_edge_litert.interpreter", "tflite_runtime", "tensorflow"):
        monkeypatch.setitem(sys.modules, name, None)
    ran = arm_bundle.run("verify")
    assert (ran.code, ran.out) == (1, "")
    assert "no LiteRT runtime is installed: pip install ai-edge-litert" in ran.err


class Int8Interpreter:
    """Negates; its input has scale 1/16 and zero point 3, its output scale 1/8 and zero point -2."""

    def __init__(self, model_path, num_threads):
        self.values = None

    def allocate_tensors(self):
        pass

    def get_input_details(self):
        return [{"index": 0, "dtype": np.int8, "quantization": (1 / 16, 3)}]

    def get_output_details(self):
        return [{"index": 1, "dtype": np.int8, "quantization": (1 / 8, -2)}]

    def set_tensor(self, index, values):
        assert (index, values.dtype) == (0, np.int8)
        self.values = values

    def invoke(self):
        real = (self.values.astype(np.float32) - 3) / 16
        self.values = np.clip(np.rint(-real * 8) - 2, -128, 127).astype(np.int8)

    def get_tensor(self, index):
        assert index == 1
        return self.values


@pytest.fixture
def old_board(arm_bundle, monkeypatch):
    """Give a bundle on a board that has tflite_runtime only, with an int8 model."""
    package, module = ModuleType("tflite_runtime"), ModuleType("tflite_runtime.interpreter")
    package.__version__, package.__path__ = "2.14.0", []
    module.Interpreter = Int8Interpreter
    monkeypatch.setitem(sys.modules, "ai_edge_litert.interpreter", None)
    monkeypatch.setitem(sys.modules, "tflite_runtime", package)
    monkeypatch.setitem(sys.modules, "tflite_runtime.interpreter", module)
    return arm_bundle


def test_int8_inputs_and_outputs_are_quantized_with_the_tensors_own_scale(old_board):
    artifact = old_board.manifest["artifacts"][0]
    runner = old_board.script("run").LiteRtRunner(artifact, 1)
    batch = np.array([[0.0, 1.0, -2.5, 100.0, 1 / 40]], np.float32)
    # 100 saturates at (127 - 3) / 16; 1 / 40 rounds to 0 / 16; the output is a multiple of 1 / 8.
    expected = [[0.0, -1.0, 2.5, -7.75, 0.0]]
    assert runner.runtime == "tflite_runtime 2.14.0"
    assert runner(batch).tolist() == expected
    assert runner(batch).dtype == np.float32
