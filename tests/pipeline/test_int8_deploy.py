"""int8 from a network to a verified bundle: what is asked, what ships, what is refused before any work."""

import json
import re
import struct
from pathlib import Path

import numpy as np
import onnx_ir as ir
import pytest

import edgecnn
from edgecnn import Pictures, Quantization, compress
from edgecnn.errors import EdgeCnnError, VerificationError
from edgecnn.export.tensorrt import lint
from edgecnn.export.tflite import read_back
from edgecnn.export.verify import verify
from edgecnn.graph.load import load
from edgecnn.graph.precision import precision_of, scheme_of
from edgecnn.pipeline.artifact import open_runnable

TARGETS = ("pi4", "jetson-orin-nano", "jetson", "jetson-xavier-nx")
FEW = {"calibrate": "digits", "calibrate_images": 40}


@pytest.fixture(scope="module")
def bundles(tmp_path_factory):
    """LeNet in int8 for an ARM board and for Jetsons: target → path."""
    folder = tmp_path_factory.mktemp("int8")
    asked = Quantization(int8=True, **FEW)
    for target in TARGETS:
        edgecnn.deploy("lenet", target, out=folder / target, quantization=asked)
    return {target: folder / target for target in TARGETS}


def manifest_of(bundle: Path) -> dict:
    return json.loads((bundle / "manifest.json").read_text())


@pytest.mark.parametrize("target", TARGETS)
def test_a_bundle_verifies_and_says_how_it_was_calibrated(bundles, target):
    assert all(check.ok for check in verify(bundles[target]))
    manifest = manifest_of(bundles[target])
    assert manifest["recipe"] == ["fold", "int8", "correct_bias"]
    calibration = manifest["calibration"]
    assert len(calibration.pop("sha256")) == 64
    assert calibration == {"data": "digits", "images": 40, "observer": "mse"}
    hop = next(each for each in manifest["parity"] if each["hop"] == "onnx → int8")
    assert (hop["tolerance"], hop["agreement_n"]) == (None, 40)
    assert 0.9 <= hop["agreement"] <= 1


def test_a_board_may_be_thrice_as_many_steps_away_as_the_host_and_no_more(bundles):
    manifest = manifest_of(bundles["pi4"])
    hop = next(each for each in manifest["parity"] if each["hop"] == "onnx → model.tflite")
    allowed = {each["path"]: each["max_abs_error_allowed"] for each in manifest["artifacts"]}["model.tflite"]
    assert allowed == pytest.approx(min(3 * hop["tolerance"], 0.2 * hop["response"]))
    assert allowed < 0.15 * hop["response"]  # LeNet's own steps are few


def test_an_arm_board_gets_int8_and_nothing_else(bundles):
    file = bundles["pi4"] / "model.tflite"
    found = read_back(file.read_bytes())
    assert set(found.precisions.values()) <= {"int8"}
    assert not found.islands
    artifacts = {each["path"]: each["precision"] for each in manifest_of(bundles["pi4"])["artifacts"]}
    assert artifacts == {"model.onnx": "int8", "model.tflite": "int8"}


@pytest.mark.parametrize("target", ["jetson", "jetson-orin-nano"])
def test_a_jetson_gets_the_graphs_of_three_precisions_of_its_own_rules(bundles, target):
    bundle = bundles[target]
    artifacts = {each["path"]: each["precision"] for each in manifest_of(bundle)["artifacts"]}
    assert artifacts == {"model.onnx": "fp32", "model.fp16.onnx": "fp16", "model.int8.onnx": "int8"}
    graphs = {path: load(bundle / path) for path in artifacts}
    assert {path: precision_of(graph) for path, graph in graphs.items()} == artifacts
    assert scheme_of(graphs["model.int8.onnx"]) == "tensorrt"
    assert (
        "--onnx=model.int8.onnx --saveEngine=model.int8.engine --int8" in (bundle / "trtexec.txt").read_text()
    )
    asked = {each["path"]: set(each["layers"].values()) for each in manifest_of(bundle)["artifacts"]}
    assert asked == {path: {precision} for path, precision in artifacts.items()}
    hops = [each["hop"] for each in manifest_of(bundle)["parity"]]
    assert hops[-2:] == ["onnx → model.fp16.onnx", "onnx → model.int8.onnx"]


def test_the_int8_graph_is_held_to_outputs_of_its_own(bundles):
    assert manifest_of(bundles["jetson"])["artifacts"][-1]["expected"] == "sample/output.int8.npy"
    outputs = [np.load(bundles["jetson"] / "sample" / name) for name in ("output.npy", "output.int8.npy")]
    assert np.abs(outputs[0] - outputs[1]).max() > 1e-3
    seen = {check.what: check.detail for check in verify(bundles["jetson"])}
    assert seen["output of model.int8.onnx"].startswith("max abs error 0 on the sample")


def test_a_family_says_which_boards_get_int8(tmp_path):
    made = edgecnn.deploy("lenet", "jetson", out=tmp_path / "x", quantization=Quantization(int8=True, **FEW))
    (note,) = (note for note in made.notes if note.startswith("model.int8.onnx is for"))
    has, lacks = note.split(";")
    assert re.findall(r"jetson-[a-z0-9-]+", has) == [
        "jetson-xavier-nx",
        "jetson-agx-xavier",
        "jetson-orin-nano",
        "jetson-orin-nx",
        "jetson-agx-orin",
        "jetson-thor",
    ]
    assert re.findall(r"jetson-[a-z0-9-]+", lacks) == ["jetson-nano", "jetson-tx2"]


def test_a_board_with_a_dla_gets_a_scale_for_every_tensor_of_the_float_graph(bundles):
    bundle = bundles["jetson-xavier-nx"]
    graph = load(bundle / "model.onnx")
    header, *lines = (bundle / "calibration.cache").read_text().splitlines()
    assert header == "TRT-8201-EntropyCalibration2"
    made = [*graph.graph.inputs, *(value for node in graph.graph for value in node.outputs)]
    assert [line.split(": ")[0] for line in lines] == [value.name for value in made]
    entry = manifest_of(bundle)["dla"]
    assert (entry["path"], entry["precision"], entry["calibration"]) == (
        "model.onnx",
        "int8",
        "calibration.cache",
    )
    assert not (bundles["jetson-orin-nano"] / "calibration.cache").exists()


def test_evaluating_a_bundle_runs_the_graph_it_was_made_for(bundles):
    given = np.load(bundles["jetson"] / "sample" / "input.npy")
    expected = np.load(bundles["jetson"] / "sample" / "output.int8.npy")
    assert np.array_equal(open_runnable(bundles["jetson"], {}, None, {}).run(given), expected)


def test_a_jetsons_bundle_can_be_exported_for_a_board_without_int8(bundles, tmp_path):
    edgecnn.deploy(bundles["jetson"], "jetson-nano", out=tmp_path / "nano")
    assert {each["precision"] for each in manifest_of(tmp_path / "nano")["artifacts"]} == {"fp32", "fp16"}


def test_an_int8_graph_is_not_for_a_family_whose_members_need_a_float_one(bundles, tmp_path):
    graph = load(bundles["jetson"] / "model.int8.onnx")
    with pytest.raises(EdgeCnnError, match="int8 already, which not every member of jetson runs"):
        edgecnn.deploy(graph, "jetson", out=tmp_path / "x")
    edgecnn.deploy(graph, "jetson-orin-nano", out=tmp_path / "orin")
    assert [each["precision"] for each in manifest_of(tmp_path / "orin")["artifacts"]] == ["int8"]


def test_a_tensor_that_is_always_0_has_a_scale_too(tmp_path):
    text = """<ir_version: 7, opset_import: ["" : 13]> g (float[1,1,28,28] x) => (float[1,4,26,26] y) {
        a = Conv(x, w, b) dead = Relu(a) y = Add(dead, a)
    }"""
    weights = {"w": np.ones((4, 1, 3, 3), np.float32), "b": np.full(4, -100, np.float32)}
    graph = ir.from_onnx_text(
        text, initializers=[ir.tensor(each, name=name) for name, each in weights.items()]
    )
    contract = {"mean": (0.5,), "std": (0.5,), "channel_order": "L"}
    asked = Quantization(int8=True, **FEW)
    edgecnn.deploy(graph, "jetson-agx-orin", out=tmp_path / "x", preprocessing=contract, quantization=asked)
    scales = dict(
        line.split(": ") for line in (tmp_path / "x/calibration.cache").read_text().splitlines()[1:]
    )
    assert scales["dead"] == struct.pack(">f", 1 / 127).hex()


def test_a_bundle_of_one_runtime_is_not_for_the_other(bundles, tmp_path):
    with pytest.raises(EdgeCnnError, match="quantized by the rules of tflite.*--int8"):
        edgecnn.deploy(bundles["pi4"], "jetson-orin-nano", out=tmp_path / "x")
    with pytest.raises(EdgeCnnError, match="jetson-nano cannot run int8"):
        edgecnn.deploy(bundles["pi4"], "jetson-nano", out=tmp_path / "x")


def test_a_bundle_of_the_same_rules_compiles_again_to_the_same_file(bundles, tmp_path):
    edgecnn.deploy(bundles["pi4"], "arm", out=tmp_path / "again")
    assert (tmp_path / "again/model.tflite").read_bytes() == (bundles["pi4"] / "model.tflite").read_bytes()


def test_int8_at_the_ends_where_asked(tmp_path):
    asked = Quantization(int8=True, io="int8", observer="mse", **FEW)
    edgecnn.deploy("lenet", "pi4", out=tmp_path / "x", quantization=asked)
    assert all(check.ok for check in verify(tmp_path / "x"))
    assert manifest_of(tmp_path / "x")["calibration"]["observer"] == "mse"


@pytest.mark.parametrize(
    ("target", "asked", "recipe", "precision"),
    [
        ("host", Quantization(), "dynamic", "dynamic"),
        ("jetson", Quantization(fp16=True), "fold", "fp16"),
    ],
    ids=["dynamic", "fp16"],
)
def test_other_precisions(tmp_path, monkeypatch, target, asked, recipe, precision):
    monkeypatch.chdir(tmp_path)
    made = edgecnn.deploy("lenet", target, recipe=recipe, quantization=asked)
    assert made.path.name.endswith(f"-{precision}.{target}")
    assert {each["precision"] for each in manifest_of(made.path)["artifacts"]} == {precision}
    assert all(check.ok for check in verify(made.path))


def test_what_int8_leaves_in_float_can_be_fp16(tmp_path):
    few = Quantization(**FEW)
    edgecnn.deploy("lenet", "jetson-orin-nano", out=tmp_path / "x", recipe="int8 | fp16", quantization=few)
    entries = {each["precision"]: each for each in manifest_of(tmp_path / "x")["artifacts"]}
    assert set(entries) == {"fp32", "fp16", "int8"}
    assert {name: each.get("rest") for name, each in entries.items()} == {
        "fp32": None,
        "fp16": None,
        "int8": "fp16",
    }
    assert "--int8 --fp16" in (tmp_path / "x/trtexec.txt").read_text()
    assert all(check.ok for check in verify(tmp_path / "x"))
    assert not lint(load(tmp_path / "x/model.int8.onnx"), ["8.5.2", "10.3.0", "11.4.1"])
    with pytest.raises(EdgeCnnError, match="TensorRT 8.2 needs weights that are constant"):
        edgecnn.deploy("lenet", "jetson", out=tmp_path / "y", recipe="int8 | fp16", quantization=few)
    assert not (tmp_path / "y").exists()


REFUSED = {
    "no pictures": ("pi4", Quantization(int8=True), "fold", "int8 needs pictures.*--calibrate DATA"),
    "a board without int8": ("jetson-nano", Quantization(int8=True, **FEW), "fold", "SM 5.3.*--fp16"),
    "another board without int8": ("jetson-tx2", Quantization(int8=True, **FEW), "fold", "SM 6.2.*--fp16"),
    "int8 weights alone on a family": ("jetson", Quantization(), "dynamic", "int8 activations only"),
    "a board without fp16": ("pi4", Quantization(fp16=True), "fold", "pi4 cannot run fp16"),
    "flags without effect": ("pi4", Quantization(calibrate="digits"), "fold", "nothing asks for; add --int8"),
    "int8 ends of an engine": (
        "jetson-orin-nano", Quantization(int8=True, io="int8", **FEW), "fold", "takes and gives float32"
    ),
    "int8 weights alone": ("jetson-orin-nano", Quantization(), "dynamic", "int8 activations only"),
    "an unknown observer": ("pi4", Quantization(int8=True, observer="best", **FEW), "fold", "'best'"),
}  # fmt: skip


@pytest.mark.parametrize(("target", "asked", "recipe", "message"), REFUSED.values(), ids=REFUSED)
def test_it_is_refused_before_any_work(tmp_path, target, asked, recipe, message):
    stages: list[str] = []
    with pytest.raises(EdgeCnnError, match=message):
        edgecnn.deploy(
            "lenet", target, recipe=recipe, quantization=asked, out=tmp_path / "x", on_stage=stages.append
        )
    assert stages == []
    assert list(tmp_path.iterdir()) == []


def test_a_precision_that_was_asked_for_and_not_reached_is_an_error(tmp_path):
    text = """<ir_version: 7, opset_import: ["" : 13]> g (float[1,1,8,8] x) => (float[1,1,8,8] y) {
        y = Tanh(x)
    }"""
    with pytest.raises(VerificationError, match="asked for int8, but model.onnx is fp32"):
        edgecnn.deploy(
            ir.from_onnx_text(text),
            "jetson-orin-nano",
            out=tmp_path / "x",
            preprocessing={"mean": (0.5,), "std": (0.5,), "channel_order": "L"},
            quantization=Quantization(int8=True, **FEW),
        )
    assert list(tmp_path.iterdir()) == []


def test_an_operator_without_int8_is_named_and_allowed_in_float(tmp_path):
    asked = {"int8": True, "calibrate": "shapes", "calibrate_images": 4}
    network = {"width": 0.25, "res": 83, "out": tmp_path / "x"}
    with pytest.raises(EdgeCnnError, match="LRN has no int8 form.*--allow-float LRN"):
        edgecnn.deploy("alexnet", "pi4", quantization=Quantization(**asked), **network)
    made = edgecnn.deploy("alexnet", "pi4", quantization=Quantization(allow_float="LRN", **asked), **network)
    assert any("LRN" in note for note in made.notes)


@pytest.fixture
def foreign(tmp_path):
    """A graph of nobody's contract, with an open batch."""
    text = """<ir_version: 8, opset_import: ["" : 17]> g (float[N,3,16,16] pixels) => (float[N,4] scores) {
        a = Conv<strides=[2,2]>(pixels, w) b = Relu(a) c = GlobalAveragePool(b) scores = Flatten(c)
    }"""
    weight = np.random.default_rng(0).standard_normal((4, 3, 3, 3)).astype(np.float32)
    path = tmp_path / "foreign.onnx"
    ir.save(ir.from_onnx_text(text, initializers=[ir.tensor(weight, name="w")]), path)
    return path


def test_a_foreign_graph_brings_its_contract_or_is_refused(foreign, tmp_path):
    fixed = {"inputs": {"pixels": (1, 3, 16, 16)}, "out": tmp_path / "x"}
    asked = Quantization(int8=True, calibrate="shapes", calibrate_images=40)
    with pytest.raises(EdgeCnnError, match="calibration needs --mean, --std, --channel-order"):
        edgecnn.deploy(foreign, "pi4", quantization=asked, **fixed)
    contract = {"mean": (0.5,) * 3, "std": (0.25,) * 3, "channel_order": "RGB"}
    edgecnn.deploy(foreign, "pi4", quantization=asked, preprocessing=contract, **fixed)
    assert all(check.ok for check in verify(tmp_path / "x"))


def test_a_recipe_over_a_foreign_graph_calibrates_too(foreign, tmp_path):
    contract = {"mean": (0.5,) * 3, "std": (0.25,) * 3, "channel_order": "RGB"}
    pictures = Pictures(data="shapes", count=40, preprocessing=contract, scheme="tensorrt")
    fixed = {"pixels": (1, 3, 16, 16)}
    steps = compress(foreign, "int8", tmp_path / "out.onnx", inputs=fixed, pictures=pictures)
    assert [str(each.step.call) for each in steps] == ["fold", "int8"]
    assert steps[-1].to_json()["agreement"]["agreement_n"] == 40
    assert scheme_of(load(tmp_path / "out.onnx")) == "tensorrt"
    with pytest.raises(EdgeCnnError, match="--images DATA"):
        compress(foreign, "int8", tmp_path / "other.onnx", inputs=fixed)
    assert not (tmp_path / "other.onnx").exists()
