"""int8 engines, for the GPU and for a DLA, on stand-ins of nine TensorRT versions."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

VERSIONS = sorted(
    (path.stem for path in (Path(__file__).parents[2] / "standins" / "tensorrt_api").glob("*.json")),
    key=lambda text: [int(digits) for digits in text.split(".")],
)
WITH_CALIBRATORS = [version for version in VERSIONS if not version.startswith("11.")]
ORIN = {"gpu": "Orin", "sm": "8.7"}


def flags_of(config):
    return sorted(flag.name for flag in config._flags)


@pytest.mark.parametrize("version", VERSIONS)
def test_int8_is_built_by_default_in_every_version_where_the_board_has_it(int8_bundle, jetson, version):
    board = jetson(version, **ORIN).board
    ran = int8_bundle.build("--json")
    assert (ran.code, ran.json["precision"], ran.json["onnx"]) == (0, "int8", "model.int8.onnx")
    assert flags_of(board.configs[0]) == (["INT8"] if version.startswith("8.") else [])


@pytest.mark.parametrize("version", VERSIONS)
def test_engines_of_all_precisions_verify_each_against_its_own_graph(int8_bundle, jetson, version):
    jetson(version, **ORIN)
    for precision in ("fp32", "fp16", "int8"):
        assert int8_bundle.build("--precision", precision).code == 0
    ran = int8_bundle.run("verify", "--json")
    errors = {each["check"]: each["max_abs_error"] for each in ran.json["checks"] if "max_abs_error" in each}
    assert ran.code == 0
    assert list(errors) == ["outputs of int8", "outputs of fp16", "outputs of fp32"]
    assert errors["outputs of int8"] < 1e-6  # the float graph's outputs are further away, see below
    assert int8_bundle.run("bench", "--runs", "2", "--warmup", "1", "--json").json["precision"] == "int8"


def test_the_int8_graph_and_the_float_graph_differ(int8_bundle):
    outputs = [np.load(int8_bundle.folder / "sample" / name) for name in ("output.npy", "output.int8.npy")]
    assert np.abs(outputs[0] - outputs[1]).max() > 1e-3


@pytest.mark.parametrize(
    ("version", "flags"), [("8.6.1", ["FP16", "INT8"]), ("10.3.0", []), ("11.4.0.106", [])]
)
def test_what_int8_leaves_in_fp16_is_allowed_where_the_graph_does_not_say_it(
    jetson_bundle, quantize_bundle, jetson, version, flags
):
    quantize_bundle("int8 | fp16")
    board = jetson(version, **ORIN).board
    assert jetson_bundle.build("--precision", "int8").code == 0
    assert flags_of(board.configs[0]) == flags
    assert jetson_bundle.run("verify").code == 0


@pytest.mark.parametrize(("gpu", "sm"), [("NVIDIA Tegra X1", "5.3"), ("NVIDIA Tegra X2", "6.2")])
def test_a_board_without_int8_refuses_it_and_builds_fp16(int8_bundle, jetson, gpu, sm):
    jetson("8.2.1", gpu=gpu, sm=sm)
    refused = int8_bundle.build("--precision", "int8")
    assert refused.code == 1
    assert refused.err == (
        f"error: {gpu} (SM {sm}) has no int8 arithmetic, and TensorRT builds no int8 engine for it:"
        " run python3 build_engine.py --precision fp16\n"
    )
    built = int8_bundle.build("--json")
    assert (built.code, built.json["precision"]) == (0, "fp16")
    assert f"{gpu} (SM {sm}) has no int8 arithmetic: building fp16" in built.err


def test_tensorrts_own_word_about_int8_counts_for_a_gpu_that_nobody_listed(int8_bundle, jetson):
    found = jetson("8.6.1", sm="6.0")
    found.tensorrt.Builder.platform_has_fast_int8 = False
    assert int8_bundle.build("--json").json["precision"] == "fp16"


def test_a_bundle_of_nothing_but_int8_is_refused_by_a_board_without_it(int8_bundle, jetson):
    int8_bundle.change(artifacts=int8_bundle.manifest["artifacts"][-1:])
    jetson("8.2.1", sm="5.3")
    ran = int8_bundle.build()
    assert ran.code == 1
    assert ran.err.endswith("TensorRT builds no int8 engine for it: export it with --fp16\n")


def test_an_int8_graph_with_another_zero_point_is_not_read(int8_bundle, jetson):
    import onnx

    path = int8_bundle.folder / "model.int8.onnx"
    model = onnx.load(path)
    zero = next(each for each in model.graph.initializer if each.name == "input.zero_point")
    zero.CopyFrom(onnx.numpy_helper.from_array(np.array(3, np.int8), zero.name))
    onnx.save(model, path)
    int8_bundle.list_files()
    jetson("8.5.1", **ORIN)
    assert "Non-zero zero point is not supported" in int8_bundle.build().err


# ---- a DLA


@pytest.mark.parametrize("version", WITH_CALIBRATORS)
def test_a_dla_engine_is_built_from_the_float_graph_and_the_scales(int8_bundle, jetson, version):
    board = jetson(version, dla_cores=2, **ORIN).board
    ran = int8_bundle.build("--dla", "1", "--json")
    assert (ran.code, ran.json["engine"], ran.json["onnx"]) == (0, "model.int8.dla.engine", "model.onnx")
    assert ran.json["dla_core"] == 1
    assert flags_of(board.configs[0]) == ["FP16", "GPU_FALLBACK", "INT8"]
    assert "run on the GPU" not in ran.err
    verified = int8_bundle.run("verify", "--dla", "--json")
    assert (verified.code, verified.json["checks"][-1]["check"]) == (0, "outputs of int8 on the DLA")
    assert [runtime._dla_core for runtime in board.runtimes] == [1]


@pytest.mark.parametrize("version", ["11.0.0.114", "11.4.0.106"])
def test_a_version_without_calibrators_refuses_a_dla(int8_bundle, jetson, version):
    jetson(version, dla_cores=2, **ORIN)
    ran = int8_bundle.build("--dla", "0")
    assert ran.code == 1
    assert f"TensorRT {version} reads no calibration cache" in ran.err


@pytest.mark.parametrize(
    ("cores", "arguments", "sentence"),
    [
        (0, ["--dla", "0"], "--dla 0: this board (Orin) has no DLA"),
        (2, ["--dla", "2"], "--dla 2: this board (Orin) has DLA 0 to 1"),
        (2, ["--dla", "0", "--precision", "fp16"], "the bundle has no fp16 artifact for a DLA; it has int8"),
    ],
    ids=["no DLA", "no such DLA", "fp16"],
)
def test_a_dla_that_is_not_there_is_refused(int8_bundle, jetson, cores, arguments, sentence):
    jetson("8.5.1", dla_cores=cores, **ORIN)
    ran = int8_bundle.build(*arguments)
    assert (ran.code, ran.err) == (1, f"error: {sentence}\n")


@pytest.mark.parametrize("command", ["build", "verify"])
def test_a_bundle_without_scales_has_nothing_for_a_dla(jetson_bundle, jetson, command):
    jetson("8.5.1", dla_cores=2, **ORIN)
    ran = jetson_bundle.build("--dla", "0") if command == "build" else jetson_bundle.run("verify", "--dla")
    assert ran.code == 1
    assert "nothing for a DLA; export it with --int8 for a board that has one" in ran.err


def test_int8_for_the_gpu_needs_a_graph_of_its_own(int8_bundle, jetson):
    int8_bundle.change(artifacts=int8_bundle.manifest["artifacts"][:-1])
    jetson("8.5.1", dla_cores=2, **ORIN)
    ran = int8_bundle.build("--precision", "int8")
    assert (ran.code, ran.err) == (1, "error: the bundle has no int8 artifact; it has fp16, fp32\n")
    assert int8_bundle.build("--json").json["precision"] == "fp16"


def test_layers_that_fall_back_to_the_gpu_are_counted(int8_bundle, jetson):
    jetson("8.5.1", dla_cores=2, dla_lacks=("Gemm", "Flatten"), **ORIN)
    ran = int8_bundle.build("--dla", "0")
    assert ran.code == 0
    assert "2 of 5 layers run on the GPU, because the DLA cannot run them" in ran.err


def test_a_network_of_which_the_dla_runs_nothing_is_refused(int8_bundle, jetson):
    every = ("Conv", "Relu", "GlobalAveragePool", "Flatten", "Gemm")
    jetson("8.5.1", dla_cores=2, dla_lacks=every, **ORIN)
    assert "the DLA can run no layer of this network" in int8_bundle.build("--dla", "0").err


def test_scales_that_a_tensor_lacks_give_no_engine(int8_bundle, jetson):
    path = int8_bundle.folder / "calibration.cache"
    path.write_text(re.sub("^r: .*\n", "", path.read_text(), flags=re.MULTILINE))
    int8_bundle.list_files()
    jetson("8.5.1", dla_cores=2, **ORIN)
    assert "TensorRT built no engine: Missing scale for ['r']" in int8_bundle.build("--dla", "0").err


def test_damaged_scales_are_not_used(int8_bundle, jetson):
    with (int8_bundle.folder / "calibration.cache").open("ab") as file:
        file.write(b"x")
    jetson("8.5.1", dla_cores=2, **ORIN)
    assert "calibration.cache is damaged" in int8_bundle.build("--dla", "0").err
    assert "FAIL file calibration.cache" in int8_bundle.run("verify").out


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ({"calibration_sha256": "0" * 64}, "was built from other scales"),
        ({"dla_core": None}, "does not say for which DLA it was built"),
        ({"dla_core": 1}, "the engine is for DLA core 0"),
    ],
    ids=["other scales", "no core", "another core"],
)
def test_a_dla_engine_that_does_not_fit_is_to_be_built_again(int8_bundle, jetson, entry, reason):
    jetson("8.5.1", dla_cores=2, **ORIN)
    assert int8_bundle.build("--dla", "0").code == 0
    path = int8_bundle.folder / "model.int8.dla.engine.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | entry))
    ran = int8_bundle.run("verify", "--dla")
    assert ran.code == 1
    assert reason in ran.err
    assert ran.err.endswith("run python3 build_engine.py --dla CORE again\n")


def test_a_latency_says_on_which_dla_it_was_measured(int8_bundle, jetson):
    jetson("10.3.0", dla_cores=2, **ORIN)
    assert int8_bundle.build("--dla", "0").out.endswith("next: python3 run.py verify --dla\n")
    int8_bundle.build("--precision", "int8")
    few = ("--runs", "2", "--warmup", "1")
    on_dla, on_gpu = (int8_bundle.run("bench", *few, *more, "--json").json for more in (["--dla"], []))
    assert (on_dla["environment"]["dla_core"], on_dla["artifact"]) == (0, "model.onnx")
    assert ("dla_core" in on_gpu["environment"], on_gpu["artifact"]) == (False, "model.int8.onnx")
    assert "model.onnx (int8 on DLA 0) on tensorrt 10.3.0" in int8_bundle.run("bench", *few, "--dla").out


def test_without_an_engine_for_the_dla_the_command_is_named(int8_bundle, jetson):
    jetson("8.5.1", dla_cores=2, **ORIN)
    int8_bundle.build()
    assert "run python3 build_engine.py --dla CORE first" in int8_bundle.run("verify", "--dla").err


@pytest.mark.parametrize("entry", [3, {"path": "model.onnx"}], ids=["a number", "half an entry"])
def test_a_damaged_entry_for_the_dla_is_refused(int8_bundle, jetson, entry):
    int8_bundle.change(dla=entry)
    jetson("8.5.1", **ORIN)
    assert "error: manifest.json is damaged" in int8_bundle.build().err


@pytest.mark.parametrize(
    "field", [{"expected": 3}, {"rest": ["fp16"]}, {"accelerator": "dla"}, {"layers": {"fc": 8}}], ids=str
)
def test_a_damaged_entry_of_an_artifact_is_refused(int8_bundle, jetson, field):
    *others, last = int8_bundle.manifest["artifacts"]
    int8_bundle.change(artifacts=[*others, last | field])
    jetson("8.5.1", **ORIN)
    for ran in (int8_bundle.build(), int8_bundle.run("verify")):
        assert (ran.code, "error: manifest.json is damaged: artifacts.2." in ran.err) == (1, True)


@pytest.mark.parametrize(
    ("version", "line"),
    [
        ("8.2.1.8", "TRT-8201-EntropyCalibration2"),
        ("10.3.0", "TRT-100300-EntropyCalibration2"),
        ("10.0.0b6", "TRT-100000-EntropyCalibration2"),
        ("11.0", "TRT-110000-EntropyCalibration2"),
    ],
)
def test_scales_are_under_the_number_of_any_version(empty_bundle, version, line):
    found = empty_bundle.script("build_engine").with_version(b"TRT-1-Entropy\ninput: 3c\n", version)
    assert found == line.encode() + b"\ninput: 3c\n"
