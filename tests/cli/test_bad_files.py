"""Damaged and foreign files: one sentence, exit code 1, nothing executed, nothing written."""

import pickle
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

CONTRACT = ["--mean", "0.5", "--std", "0.5", "--channel-order", "L"]


def cut(file, target, size):
    target.write_bytes(file.read_bytes()[:size])
    return target


FILES = {
    "empty": lambda good: b"",
    "truncated early": lambda good: good[:100],
    "truncated late": lambda good: good[:-100],
    "text": lambda good: b"hello world\n",
    "noise": lambda good: bytes(range(256)) * 100,
    "a picture": lambda good: b"\x89PNG\r\n\x1a\n" + good[:1000],
}
COMMANDS = {
    "profile": lambda file, out: ["profile", file],
    "eval": lambda file, out: ["eval", file, "--data", "digits", *CONTRACT],
    "compress": lambda file, out: ["compress", file, "--recipe", "fold", "-o", out],
    "export": lambda file, out: ["export", file, "--target", "pi4", "-o", out],
}


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
@pytest.mark.parametrize("damage", FILES.values(), ids=FILES)
def test_a_file_that_is_no_whole_onnx_is_named(edgecnn, onnx, tmp_path, damage, command, left):
    file = tmp_path / "bad.onnx"
    file.write_bytes(damage(onnx.read_bytes()))
    assert "bad.onnx" in edgecnn(*command(file, tmp_path / "out")).complaint
    assert left(tmp_path) == ["bad.onnx"]


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_a_folder_with_the_name_of_a_file_and_a_missing_file_are_named(edgecnn, tmp_path, command):
    (tmp_path / "folder.onnx").mkdir()
    for name in ("folder.onnx", "missing.onnx"):
        assert f"there is no file {tmp_path / name}" in edgecnn(*command(tmp_path / name, "o.onnx")).complaint


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_a_file_of_another_kind_is_told_what_it_is_not(edgecnn, tmp_path, monkeypatch, command):
    monkeypatch.chdir(tmp_path)
    Path("notes.txt").write_text("dear diary")
    Path("notes").write_text("dear diary")
    for name in ("notes.txt", "notes"):
        assert f"{name} is no run folder, bundle or .onnx file" in edgecnn(*command(name, "o.onnx")).complaint


def test_a_tflite_file_alone_is_not_called_a_damaged_bundle(edgecnn, trained):
    assert "is a file alone, with nothing beside it to verify; --device compares it with this host" in (
        edgecnn("verify", trained / "bundle" / "model.tflite").complaint
    )


def test_weights_alone_are_no_network(edgecnn, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("net.pth").write_bytes(b"x")
    assert "net.pth holds weights alone; give the network, and --weights net.pth" in (
        edgecnn("export", "net.pth", "--target", "pi4").complaint
    )


@pytest.mark.parametrize("damage", FILES.values(), ids=FILES)
def test_a_file_that_is_no_whole_tflite_is_refused(edgecnn, trained, tmp_path, damage):
    file = tmp_path / "bad.tflite"
    file.write_bytes(damage((trained / "bundle" / "model.tflite").read_bytes()))
    assert "tflite" in edgecnn("eval", file, "--data", "digits", *CONTRACT).complaint.lower()


class Bomb:
    """Runs code when it is unpickled."""

    def __init__(self, touched):
        self.touched = touched

    def __reduce__(self):
        return (Path.touch, (self.touched,))


def state(edit=lambda weights: None):
    from edgecnn.models import build
    from edgecnn.spec import ModelSpec

    weights = dict(build(ModelSpec.parse("lenet")).state_dict())
    edit(weights)
    return weights


def rename(weights):
    weights["foreign.weight"] = weights.pop("features.0.weight")


def reshape(weights):
    weights["features.0.weight"] = torch.zeros(7, 1, 5, 5)


def spoil(weights):
    weights["features.0.weight"] = weights["features.0.weight"] * float("nan")


WEIGHTS = {
    "foreign keys": (rename, "1 unexpected (foreign.weight"),
    "another shape": (reshape, "features.0.weight is float32 (7, 1, 5, 5), not float32 (6, 1, 5, 5)"),
    "not finite": (spoil, "not finite"),
}


@pytest.fixture
def export(edgecnn, tmp_path, left):
    """Export with these weights; it must fail and leave nothing besides what was there."""

    def failing(weights):
        before = left(tmp_path)
        out = tmp_path / "out"
        complaint = edgecnn("export", "lenet", "--weights", weights, "--target", "pi4", "-o", out).complaint
        assert left(tmp_path) == before
        return complaint

    return failing


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
@pytest.mark.parametrize(("edit", "sentence"), WEIGHTS.values(), ids=WEIGHTS)
def test_weights_that_do_not_fit_are_refused_whole(export, tmp_path, edit, sentence, suffix):
    file = tmp_path / f"weights{suffix}"
    (torch.save if suffix == ".pth" else save_file)(state(edit), file)
    assert sentence in export(file)


def test_code_in_a_checkpoint_is_not_executed(export, tmp_path):
    touched = tmp_path / "touched"
    weights = tmp_path / "weights.pth"
    torch.save({**state(), "bomb": Bomb(touched)}, weights)
    assert "holds code or objects besides weights" in export(weights)
    assert not touched.exists()
    pickle.loads(pickle.dumps(Bomb(touched)))  # noqa: S301, the bomb is a real one
    assert touched.exists()


def test_code_in_a_plain_pickle_is_not_executed(export, tmp_path):
    touched = tmp_path / "touched"
    weights = tmp_path / "weights.pth"
    weights.write_bytes(pickle.dumps(Bomb(touched), protocol=2))
    export(weights)
    assert not touched.exists()


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
@pytest.mark.parametrize("kept", [0.0, 0.02, 0.5, 0.99])
def test_truncated_weights_are_refused(export, tmp_path, suffix, kept):
    whole = tmp_path / f"whole{suffix}"
    (torch.save if suffix == ".pth" else save_file)(state(), whole)
    assert "part" in export(cut(whole, tmp_path / f"part{suffix}", int(kept * whole.stat().st_size)))


MISSING = {
    "a file": ("none.pth", "there is no file"),
    "no weights": ("folder", "holds no weights.safetensors"),
    "another format": ("w.txt", "is no file of weights that edgecnn reads"),
}


@pytest.mark.parametrize(("name", "sentence"), MISSING.values(), ids=MISSING)
def test_weights_that_are_not_there_are_named(export, tmp_path, name, sentence):
    (tmp_path / "folder").mkdir()
    (tmp_path / "w.txt").touch()
    assert sentence in export(tmp_path / name)


def test_a_file_brings_its_own_weights_and_shape(edgecnn, trained, onnx):
    bare = ["--data", "digits"]
    for model in (trained / "run", trained / "bundle", onnx, trained / "bundle" / "model.tflite"):
        assert "leave out --width" in edgecnn("eval", model, *bare, "--width", "0.5").complaint
        assert "leave out --weights" in edgecnn("eval", model, *bare, "--weights", "w.pth").complaint


def test_a_flipped_bit_fails_the_verification(edgecnn, trained, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(trained / "bundle", copy)
    assert edgecnn("verify", copy).code == 0
    data = bytearray((copy / "model.tflite").read_bytes())
    data[len(data) // 2] ^= 1
    (copy / "model.tflite").write_bytes(data)
    ran = edgecnn("verify", copy, "--json")
    assert ran.code == 1
    assert ran.json["ok"] is False
    assert [each["what"] for each in ran.json["checks"] if not each["ok"]] == ["model.tflite"]
    assert ran.err == f"edgecnn: error: {copy} does not verify: model.tflite: sha256 differs\n"


@pytest.mark.parametrize("command", ["profile", "export", "eval"])
def test_a_bundle_with_a_damaged_manifest_is_refused(edgecnn, trained, tmp_path, command):
    copy = tmp_path / "copy"
    shutil.copytree(trained / "bundle", copy)
    (copy / "manifest.json").write_text("{}")
    more = {"profile": [], "export": ["--target", "pi4"], "eval": ["--data", "digits"]}[command]
    assert "manifest.json is damaged" in edgecnn(command, copy, *more).complaint
