"""run.py: what it says of a bundle whatever the runtime: files, manifest, pictures, statistics."""

import json
import sys

import numpy as np
import pytest
from PIL import Image

from edgecnn.preprocessing import Preprocessing


@pytest.fixture
def built(jetson_bundle, jetson):
    """Give a bundle with an engine, on a board."""
    jetson("8.2.1")
    assert jetson_bundle.build().code == 0
    return jetson_bundle


@pytest.mark.parametrize(
    "name",
    ["model.onnx", "model.fp16.onnx", "run.py", "build_engine.py", "sample/input.npy", "sample/output.npy"],
)
def test_a_flipped_bit_in_any_file_is_found(built, name):
    path = built.folder / name
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0b100
    path.write_bytes(data)
    ran = built.run("verify", "--json")
    failed = [each for each in ran.json["checks"] if not each["ok"]]
    assert (ran.code, [each["check"] for each in failed]) == (1, [f"file {name}"])
    assert ran.err == f"error: 1 of 11 checks failed: file {name}\n"


def test_a_truncated_and_a_missing_file_are_told_apart(built):
    (built.folder / "model.onnx").write_bytes(b"short")
    (built.folder / "sample" / "input.npy").unlink()
    ran = built.run("verify")
    assert "FAIL file model.onnx: has 5 bytes" in ran.out
    assert "FAIL file sample/input.npy: missing" in ran.out


def test_a_file_that_is_no_longer_listed_is_found(built):
    built.change(files=[each for each in built.manifest["files"] if each["path"] != "model.onnx"])
    assert "FAIL file model.onnx: not listed in manifest.json" in built.run("verify").out


@pytest.mark.parametrize(
    ("old", "new"), [("0.485", "0.484"), ('"sha256": "', '"sha257": "')], ids=["a figure", "its own digest"]
)
def test_a_manifest_that_has_changed_is_not_used(built, old, new):
    path = built.folder / "manifest.json"
    before, _, after = path.read_text().rpartition(old)
    path.write_text(before + new + after)
    verified = built.run("verify")
    assert (verified.code, verified.out) == (1, "FAIL file manifest.json: its SHA-256 is not its own\n")
    for ran in (built.run("bench"), built.build()):
        assert (ran.code, ran.out) == (1, "")
        assert "manifest.json has changed since the bundle was made" in ran.err


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"format": 2}, "manifest.json has format 2 and this run.py reads 1"),
        ({"runtime": "onnx"}, "names the runtime 'onnx'; known are litert and tensorrt"),
        ({"artifacts": []}, "manifest.json lists no onnx artifact"),
        (
            {"artifacts": [{"path": "model.onnx", "format": "onnx", "precision": "fp8"}]},
            "artifacts.0.precision is 'fp8'",
        ),
        ({"input": {"shape": [1, 3, 8, "8"]}}, "manifest.json is damaged: input.shape is"),
        ({"sample": {}}, "manifest.json is damaged: no sample.input"),
        ({"files": 3}, "manifest.json is damaged"),
        (
            {"sample": {"input": "../x.npy", "output": "/x.npy"}},
            "names '../x.npy', which is not inside the bundle",
        ),
    ],
    ids=["format", "runtime", "artifacts", "precision", "shape", "sample", "files", "path"],
)
def test_a_damaged_manifest_is_one_sentence(built, change, sentence):
    built.change(**change)
    ran = built.run("verify")
    assert (ran.code, ran.out, ran.err.count("\n")) == (1, "", 1)
    assert sentence in ran.err


@pytest.mark.parametrize(
    ("text", "sentence"),
    [(None, "manifest.json is missing"), ("{", "manifest.json cannot be read"), ("[]", "no JSON object")],
    ids=["missing", "half", "list"],
)
def test_a_manifest_that_cannot_be_read_is_one_sentence(built, text, sentence):
    path = built.folder / "manifest.json"
    path.unlink()
    if text is not None:
        path.write_text(text)
    ran = built.run("verify")
    assert (ran.code, ran.out, ran.err.count("\n")) == (1, "", 1)
    assert sentence in ran.err


def test_a_flipped_bit_anywhere_in_the_manifest_is_found(built, tmp_path):
    path = built.folder / "manifest.json"
    whole = path.read_bytes()
    Image.new("RGB", (8, 8)).save(tmp_path / "picture.png")
    for position in np.random.default_rng(5).integers(0, len(whole) * 8, 150):
        data = bytearray(whole)
        data[position // 8] ^= 1 << (position % 8)
        path.write_bytes(data)
        for command in (["verify"], ["infer", str(tmp_path / "picture.png")]):
            ran = built.run(*command)
            assert ran.code == 1
            assert ran.err.count("\n") == 1


def contract(order, resize, crop=0.875, side=(8, 8)):
    channels = 1 if order == "L" else 3
    return Preprocessing(
        channel_order=order,
        height=side[0],
        width=side[1],
        resize=resize,
        crop=crop,
        mean=(0.485, 0.456, 0.406)[:channels],
        std=(0.229, 0.224, 0.225)[:channels],
    )


@pytest.mark.parametrize("size", [(8, 8), (31, 17), (9, 40), (200, 3), (1, 1)], ids=str)
@pytest.mark.parametrize("side", [(8, 8), (6, 11)], ids=str)
@pytest.mark.parametrize(
    ("order", "resize", "crop"), [("RGB", "squash", 1.0), ("BGR", "crop", 0.875), ("L", "crop", 0.5)], ids=str
)
def test_a_picture_becomes_what_the_host_makes_of_it(built, tmp_path, size, side, order, resize, crop):
    preprocessing = contract(order, resize, crop, side)
    pixels = np.random.default_rng(2).integers(0, 256, (size[1], size[0], 3), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "picture.png")
    shape = (1, preprocessing.channels, *side)
    read = built.script("run").read_picture(str(tmp_path / "picture.png"), preprocessing.to_json(), shape)
    expected = preprocessing.apply(Image.open(tmp_path / "picture.png"))[None]
    assert read.dtype == np.float32
    np.testing.assert_array_equal(read, expected)


def test_a_picture_is_classified_with_labels(built, tmp_path):
    Image.new("RGB", (20, 10), (250, 120, 3)).save(tmp_path / "picture.jpg")
    ran = built.run("infer", str(tmp_path / "picture.jpg"), "--top", "3")
    lines = ran.out.splitlines()
    assert (ran.code, len(lines)) == (0, 3)
    shares = [float(line.split("%")[0]) for line in lines]
    assert shares == sorted(shares, reverse=True)
    assert lines[0].split()[1] in built.manifest["labels"]


def test_without_labels_the_class_number_is_printed(built, tmp_path):
    Image.new("L", (8, 8)).save(tmp_path / "picture.png")
    built.change(labels=None)
    assert "  class " in built.run("infer", str(tmp_path / "picture.png")).out


def test_without_pillow_the_package_is_named(built, monkeypatch):
    monkeypatch.setitem(sys.modules, "PIL", None)
    ran = built.run("infer", "picture.jpg")
    assert (ran.code, "pip install pillow" in ran.err) == (1, True)


@pytest.mark.parametrize(
    ("name", "data", "sentence"),
    [
        ("none.jpg", None, "none.jpg does not exist"),
        ("text.jpg", b"no picture", "is not a picture that Pillow can read"),
        ("none.npy", None, "none.npy does not exist"),
        ("text.npy", b"no array", "is not a numpy array"),
    ],
)
def test_what_is_no_picture_is_one_sentence(built, tmp_path, name, data, sentence):
    if data is not None:
        (tmp_path / name).write_bytes(data)
    ran = built.run("infer", str(tmp_path / name))
    assert (ran.code, ran.out, ran.err.count("\n")) == (1, "", 1)
    assert sentence in ran.err


def test_half_a_picture_is_one_sentence(built, tmp_path):
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)).save(
        tmp_path / "half.png"
    )
    data = (tmp_path / "half.png").read_bytes()
    (tmp_path / "half.png").write_bytes(data[: len(data) // 2])
    assert "is not a picture that Pillow can read" in built.run("infer", str(tmp_path / "half.png")).err


def test_an_array_of_another_shape_is_refused(built, tmp_path):
    np.save(tmp_path / "small.npy", np.zeros((3, 4, 4), np.float32))
    assert (
        "has shape (3, 4, 4) and the model takes (1, 3, 8, 8)"
        in built.run("infer", str(tmp_path / "small.npy")).err
    )


def test_a_model_of_arrays_takes_no_pictures(built):
    built.change(preprocessing=built.manifest["preprocessing"] | {"channel_order": "raw"})
    assert "takes arrays, not pictures: give a .npy file" in built.run("infer", "picture.jpg").err


def test_a_model_without_classes_is_not_classified(built):
    built.change(output={"name": "output", "shape": [1, 2, 8, 8]})
    assert "use verify or bench" in built.run("infer", "picture.jpg").err


@pytest.mark.parametrize(
    ("scores", "expected"),
    [([0.25, 0.75], [0.25, 0.75]), ([0.0, 0.0], [0.5, 0.5]), ([1000.0, 0.0], [1.0, 0.0])],
    ids=["probabilities", "logits", "large logits"],
)
def test_scores_are_logits_unless_they_are_probabilities(built, scores, expected):
    assert built.script("run").probabilities(np.array(scores, np.float32)).tolist() == expected


def test_statistics_are_those_of_the_raw_times(built):
    times_s = [0.010, 0.011, 0.012, 0.013, 0.030]
    found = built.script("run").summary(times_s)
    assert found["median_s"] == found["p50_s"] == 0.012
    assert found["min_s"] == 0.010
    assert found["iqr_s"] == pytest.approx(0.013 - 0.011)
    assert found["p90_s"] == pytest.approx(0.013 + 0.6 * (0.030 - 0.013))  # rank 0.9 * 4 = 3.6
    assert found["noisy"] is True  # 2 / 12 > 10 %
    assert built.script("run").summary([0.010, 0.0101, 0.0102])["noisy"] is False


def test_latency_is_printed_with_where_it_was_measured(built):
    ran = built.run("bench", "--runs", "3", "--warmup", "1")
    assert ran.code == 0
    assert ran.out.startswith("model.fp16.onnx (fp16) on tensorrt 8.2.1, ")
    assert (
        "measured over 3 runs, copying the input to the GPU and the output back; outputs verified first"
        in ran.out
    )


@pytest.mark.parametrize(
    "arguments",
    [[], ["verfy"], ["infer"], ["bench", "--runs", "0"], ["verify", "--precision", "fp8"]],
    ids=str,
)
def test_wrong_usage_is_exit_code_2(built, arguments):
    with pytest.raises(SystemExit) as stopped:
        built.run(*arguments)
    assert stopped.value.code == 2


def test_json_is_one_object_with_the_command_and_the_bundle(built):
    found = json.loads(built.run("verify", "--json").out)
    assert (found["command"], found["bundle"]) == ("verify", "tiny-fp32.test")


@pytest.mark.parametrize(
    "arguments",
    [
        *(
            ["--out", name]
            for name in ("../a.json", "/nowhere/a.json", "manifest.json", "run.py", "", "sample/a.json")
        ),
        ["--out", "model.fp16.engine.json"],
        ["--outputs", "sample/output.npy"],
    ],
    ids=" ".join,
)
def test_an_answer_is_written_beside_the_bundles_own_files_only(built, capsys, arguments):
    with pytest.raises(SystemExit) as stopped:
        built.run("verify", *arguments)
    assert stopped.value.code == 2
    assert "is no name of a new" in capsys.readouterr().err


def test_an_answer_is_written_whole(built):
    ran = built.run("verify", "--out", "answer.json", "--outputs", "outputs.npy")
    assert (ran.code, ran.out) == (0, "")
    assert json.loads((built.folder / "answer.json").read_text())["ok"] is True
    assert np.load(built.folder / "outputs.npy").dtype == np.float32
