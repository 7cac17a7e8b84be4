import json
import shutil

import numpy as np
import onnx_ir as ir
import pytest
import torch
from torch import nn

import edgecnn
from edgecnn.errors import EdgeCnnError, VerificationError
from edgecnn.export.verify import verify
from edgecnn.graph.load import read
from edgecnn.models import complete

FILES = {
    "pi4": ["manifest.json", "model.onnx", "model.tflite", "run.py", "sample/input.npy", "sample/output.npy"],
    "jetson": [
        "build_engine.py", "engine_layers.py", "fastest_engine.py", "layer_times.py", "manifest.json",
        "model.fp16.onnx",
        "model.onnx", "run.py", "sample/input.npy", "sample/output.npy", "trtexec.txt", "trtexec_engine.py",
    ],
}  # fmt: skip


@pytest.mark.parametrize("target", FILES)
def test_a_bundle_holds_what_the_board_needs(bundles, target):
    found = [
        file.relative_to(bundles[target]).as_posix() for file in bundles[target].rglob("*") if file.is_file()
    ]
    assert sorted(found) == FILES[target]


@pytest.mark.parametrize("target", FILES)
def test_a_fresh_bundle_verifies(bundles, target):
    checks = verify(bundles[target])
    assert all(check.ok for check in checks)
    assert [check.what for check in checks if check.what.startswith("output of")]


@pytest.mark.parametrize("target", FILES)
def test_a_flipped_bit_in_any_file_is_found(bundles, target, tmp_path, rng):
    copy = tmp_path / "copy"
    shutil.copytree(bundles[target], copy)
    for name in FILES[target]:
        data = bytearray((copy / name).read_bytes())
        data[int(rng.integers(len(data)))] ^= 1 << int(rng.integers(8))
        good = (copy / name).read_bytes()
        (copy / name).write_bytes(data)
        assert not all(check.ok for check in verify(copy)), name
        (copy / name).write_bytes(good)
    assert all(check.ok for check in verify(copy))


def test_a_missing_or_an_added_file_is_found(bundles, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(bundles["pi4"], copy)
    (copy / "extra.txt").write_text("x")
    assert [check.what for check in verify(copy) if not check.ok] == ["extra.txt"]
    (copy / "extra.txt").unlink()
    (copy / "model.tflite").unlink()
    assert [check.what for check in verify(copy) if not check.ok] == ["model.tflite"]


def test_the_same_export_gives_the_same_bytes(bundles, tmp_path):
    edgecnn.deploy("mobilenet", "pi4", width=0.25, res=32, classes=10, out=tmp_path / "pi4")
    for name in FILES["pi4"]:
        assert (tmp_path / "pi4" / name).read_bytes() == (bundles["pi4"] / name).read_bytes(), name


def test_a_zip_verifies_as_the_folder_does(tmp_path):
    edgecnn.deploy("lenet", "pi4", out=tmp_path / "net.zip")
    assert all(check.ok for check in verify(tmp_path / "net.zip"))


def test_the_manifest_says_what_was_done(bundles):
    manifest = json.loads((bundles["pi4"] / "manifest.json").read_text())
    assert manifest["model"] == {
        "spec": str(complete(edgecnn.ModelSpec.parse("mobilenet(width=0.25, res=32, classes=10)"))),
        "weights": "random weights (seed 0)",
    }
    assert [parity["hop"] for parity in manifest["parity"]] == [
        "pytorch → onnx", "onnx → fold", "onnx → model.tflite",
    ]  # fmt: skip
    assert all(0 <= parity["max_abs_error"] <= parity["tolerance"] for parity in manifest["parity"])
    assert manifest["recipe"] == ["fold"]
    assert (
        manifest["totals"]["mult_adds"]
        == edgecnn.costs("mobilenet(width=0.25, res=32, classes=10)").mult_adds
    )


def test_a_jetsons_graphs_are_of_the_opset_and_types_that_its_oldest_parser_reads(bundles):
    for name, dtype in (("model.onnx", ir.DataType.FLOAT), ("model.fp16.onnx", ir.DataType.FLOAT16)):
        model = read(bundles["jetson"] / name)
        assert model.opset_imports[""] == 13
        assert model.ir_version == 7
        assert {value.dtype for value in model.graph.initializers.values()} == {dtype}
        assert {value.dtype for value in (*model.graph.inputs, *model.graph.outputs)} == {ir.DataType.FLOAT}


def test_a_bundle_can_be_exported_for_another_board(bundles, tmp_path):
    made = edgecnn.deploy(bundles["pi4"], "jetson-nano", out=tmp_path / "nano")
    assert made.network.labels is None
    assert all(check.ok for check in verify(tmp_path / "nano"))


class Custom(nn.Module):
    """A user's own module, with a function that the recorder does not know."""

    def __init__(self):
        super().__init__()
        self.conv, self.fc = nn.Conv2d(3, 8, 3, 2), nn.Linear(8, 4)

    def forward(self, x):
        return self.fc(torch.nn.functional.silu(self.conv(x)).mean((2, 3)))


def test_a_users_own_module_is_exported_through_torchs_exporter(tmp_path):
    torch.manual_seed(0)
    made = edgecnn.deploy(Custom(), "pi4", input_shape=(1, 3, 32, 32), out=tmp_path / "custom")
    assert made.network.recorded_by == "torch.onnx.export"
    assert all(check.ok for check in verify(str(tmp_path / "custom")))


def test_a_foreign_onnx_file_is_exported(bundles, tmp_path):
    made = edgecnn.deploy(bundles["pi4"] / "model.onnx", "pi4", out=tmp_path / "foreign")
    assert made.network.weights == "weights of model.onnx"
    same = (tmp_path / "foreign" / "model.tflite").read_bytes() == (
        bundles["pi4"] / "model.tflite"
    ).read_bytes()
    assert same


@pytest.mark.parametrize("target", ["pi4", "jetson"])
def test_a_softmax_can_be_appended(target, tmp_path):
    edgecnn.deploy("lenet", target, softmax=True, out=tmp_path / "b")
    assert all(check.ok for check in verify(tmp_path / "b"))
    outputs = np.load(tmp_path / "b" / "sample" / "output.npy")
    np.testing.assert_allclose(outputs.sum(1), 1, rtol=1e-5)
    with pytest.raises(EdgeCnnError, match="ends in a softmax already"):
        edgecnn.deploy(tmp_path / "b", target, softmax=True, out=tmp_path / "c")


def test_weights_of_a_file_go_into_the_artifact(tmp_path):
    from safetensors.torch import save_file

    from edgecnn.models import build
    from edgecnn.models.initialize import initialize

    spec = edgecnn.ModelSpec.parse("lenet")
    module = initialize(build(spec), 7, torch.randn(16, 1, 28, 28))
    save_file(module.state_dict(), tmp_path / "w.safetensors")
    made = edgecnn.deploy(spec, "pi4", weights=tmp_path / "w.safetensors", out=tmp_path / "b")
    assert made.network.weights.startswith("weights of w.safetensors (sha256 ")
    inputs, outputs = (np.load(tmp_path / "b" / "sample" / name) for name in ("input.npy", "output.npy"))
    with torch.no_grad():
        np.testing.assert_allclose(module(torch.from_numpy(inputs)).numpy(), outputs, atol=1e-4)


BAD = {
    "unknown model": (("mobilnet", "pi4", {}), "did you mean mobilenet"),
    "unknown target": (("mobilenet", "pi5x", {}), "unknown target 'pi5x'; did you mean pi5"),
    "unknown key": (("mobilenet(widht=1)", "pi4", {}), "did you mean width"),
    "resolution too small": (("mobilenet", "pi4", {"res": 8}), "at least 16"),
    "unknown pass": (("mobilenet", "pi4", {"recipe": "int9"}), "unknown pass"),
    "no such file": (("net.onnx", "pi4", {}), "there is no .*net.onnx"),
    "weights for a file": (("net.onnx", "pi4", {"weights": "x.pth"}), "leave out --weights"),
    "width for a file": (("net.onnx", "pi4", {"width": 0.5}), "leave out --width"),
    "a module without shape": ((nn.Conv2d(3, 3, 1), "pi4", {}), "input_shape"),
    "neither": ((7, "pi4", {}), "not int"),
}


@pytest.mark.parametrize(("arguments", "sentence"), BAD.values(), ids=BAD)
def test_a_bad_request_is_refused_and_nothing_is_written(arguments, sentence, tmp_path):
    model, target, given = arguments
    with pytest.raises(EdgeCnnError, match=sentence):
        edgecnn.deploy(model, target, out=tmp_path / "out", **given)
    assert list(tmp_path.iterdir()) == []


def test_a_network_that_does_not_answer_to_its_input_is_refused(tmp_path):
    network = nn.Sequential(nn.Flatten(), nn.Linear(48, 4))
    nn.init.zeros_(network[1].weight)
    with pytest.raises(VerificationError, match="hardly answers"):
        edgecnn.deploy(network, "pi4", input_shape=(1, 3, 4, 4), out=tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_weights_that_amplify_rounding_are_told_from_a_mistake(tmp_path):
    # 110 layers without shortcuts at random weights: neither runtime is wrong, and they cannot agree.
    with pytest.raises(VerificationError, match="float32 rounding alone moves the outputs"):
        edgecnn.deploy("resnet110(shortcut=none, width=0.25)", "arm", out=tmp_path / "plain")
    assert not (tmp_path / "plain").exists()
