"""run.py of a Jetson bundle, end to end on stand-ins of nine TensorRT versions and of CUDA."""

import ctypes
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

STANDINS = Path(__file__).parents[2] / "standins"
VERSIONS = sorted(
    (path.stem for path in (STANDINS / "tensorrt_api").glob("*.json")),
    key=lambda text: [int(digits) for digits in text.split(".")],
)


@pytest.mark.parametrize("version", VERSIONS)
def test_both_engines_verify_in_every_version(jetson_bundle, jetson, version):
    board = jetson(version)
    for precision in ("fp32", "fp16"):
        assert jetson_bundle.build("--precision", precision).code == 0
    ran = jetson_bundle.run("verify", "--json")
    assert (ran.code, ran.json["ok"], ran.json["runtime"]) == (0, True, f"tensorrt {version}")
    outputs = [each for each in ran.json["checks"] if each["check"].startswith("outputs")]
    assert [each["check"] for each in outputs] == ["outputs of fp16", "outputs of fp32"]
    assert all(each["max_abs_error"] <= each["max_abs_error_allowed"] for each in outputs)
    assert (board.cuda.allocations, board.cuda.streams) == (0, 0)


@pytest.mark.parametrize("version", VERSIONS)
def test_an_array_is_classified_in_every_version(jetson_bundle, jetson, version):
    jetson(version)
    jetson_bundle.build("--precision", "fp32")
    given = np.load(jetson_bundle.folder / "sample" / "input.npy")
    expected = np.load(jetson_bundle.folder / "sample" / "output.npy")
    for one, scores in zip(given, expected, strict=True):
        np.save(jetson_bundle.folder / "one.npy", one)
        top = jetson_bundle.run("infer", str(jetson_bundle.folder / "one.npy"), "--top", "2", "--json").json[
            "top"
        ]
        assert [each["index"] for each in top] == list(np.argsort(-scores)[:2])
        assert top[0]["label"] == ["ant", "bee", "cat", "dog", "emu"][int(np.argmax(scores))]
        assert top[0]["probability"] == pytest.approx(np.exp(scores.max()) / np.exp(scores).sum(), rel=1e-4)


@pytest.mark.parametrize("version", VERSIONS)
def test_latency_is_measured_in_every_version(jetson_bundle, jetson, version):
    jetson(version, gpu="Orin", sm="8.7", memory_bytes=1 << 20)
    jetson_bundle.build()
    found = jetson_bundle.run("bench", "--runs", "4", "--warmup", "2", "--json").json
    assert (found["runs"], len(found["times_s"]), len(found["warmup_s"])) == (4, 4, 2)
    assert (found["kind"], found["precision"], found["artifact"]) == ("measured", "fp16", "model.fp16.onnx")
    where = found["environment"]
    assert where["runtime"] == f"tensorrt {version}"
    assert where["gpu"] == {"name": "Orin", "sm": "8.7"}
    held = 4 * (3 * 8 * 8 + 5)  # input and output, float32
    assert (where["gpu_memory_bytes"], where["gpu_memory_free_bytes"]) == (1 << 20, (1 << 20) - held)


@pytest.mark.parametrize("command", [["verify"], ["infer", "one.npy"], ["bench"]], ids=lambda words: words[0])
def test_without_an_engine_the_command_that_builds_it_is_named(jetson_bundle, jetson, command):
    jetson()
    ran = jetson_bundle.run(*command)
    assert (ran.code, ran.out) == (1, "")
    assert ran.err == "error: no engine has been built here yet: run python3 build_engine.py first\n"


def test_the_precision_asked_for_is_in_the_command_that_is_named(jetson_bundle, jetson):
    jetson()
    jetson_bundle.build("--precision", "fp16")
    ran = jetson_bundle.run("bench", "--precision", "fp32")
    assert "run python3 build_engine.py --precision fp32 first" in ran.err


def damage_engine(bundle):
    path = bundle.folder / "model.fp16.engine"
    data = bytearray(path.read_bytes())
    data[-100] ^= 1
    path.write_bytes(data)


def change_record(**entries):
    def change(bundle):
        path = bundle.folder / "model.fp16.engine.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | entries))

    return change


def remove_record(bundle):
    (bundle.folder / "model.fp16.engine.json").unlink()


def truncate_record(bundle):
    (bundle.folder / "model.fp16.engine.json").write_text("{")


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (damage_engine, "was built from a file that has changed since"),
        (change_record(onnx_sha256="0" * 64), "was built from another model"),
        (change_record(tensorrt="8.0.1"), "was built from tensorrt 8.0.1 and this board has 8.2.1"),
        (change_record(gpu={"name": "Orin", "sm": "8.7"}), "was built from gpu"),
        (remove_record, "model.fp16.engine.json is missing"),
        (truncate_record, "model.fp16.engine.json is damaged"),
    ],
    ids=["flipped bit", "another model", "another version", "another GPU", "no record", "half a record"],
)
def test_an_engine_that_does_not_fit_is_to_be_built_again(jetson_bundle, jetson, spoil, reason):
    jetson("8.2.1")
    jetson_bundle.build()
    spoil(jetson_bundle)
    ran = jetson_bundle.run("verify")
    assert ran.code == 1
    assert reason in ran.err
    assert ran.err.endswith("run python3 build_engine.py --precision fp16 again\n")


def test_a_plan_that_tensorrt_refuses_is_to_be_built_again(jetson_bundle, jetson):
    jetson("8.2.1")
    jetson_bundle.build()
    jetson("8.5.1")
    change_record(tensorrt="8.5.1")(jetson_bundle)
    ran = jetson_bundle.run("verify")
    assert ran.code == 1
    assert "TensorRT 8.5.1 cannot read model.fp16.engine (The engine plan file is not compatible" in ran.err
    assert ran.err.endswith("run python3 build_engine.py --precision fp16 again\n")


@pytest.mark.parametrize(
    ("board", "reason"),
    [
        ({"memory_bytes": 100}, r"out of GPU memory in cudaMalloc (0 of 0 MiB free); close other programs"),
        ({"no_context": True}, "no room to run model.fp16.engine: Cuda Runtime (out of memory)"),
    ],
    ids=["allocation", "context"],
)
def test_out_of_memory_is_said(jetson_bundle, jetson, board, reason):
    jetson("10.3.0")
    jetson_bundle.build()
    jetson("10.3.0", **board)
    ran = jetson_bundle.run("bench")
    assert ran.code == 1
    assert reason in ran.err


@pytest.mark.parametrize("error", [1.0, float("nan"), float("inf")])
def test_wrong_outputs_fail_and_give_no_latency(jetson_bundle, jetson, error):
    board = jetson("8.2.1").board
    jetson_bundle.build()
    board.wrong_outputs = error
    verified, measured = jetson_bundle.run("verify", "--json"), jetson_bundle.run("bench", "--json")
    assert (verified.code, verified.json["ok"]) == (1, False)
    assert "1 of 12 checks failed: outputs of fp16" in verified.err
    assert (measured.code, measured.out) == (1, "")
    assert "outputs of fp16 are wrong" in measured.err


def test_without_cuda_the_folder_to_add_is_named(jetson_bundle, jetson, monkeypatch):
    jetson()
    jetson_bundle.build()

    def none(name, *_):
        raise OSError(name)

    monkeypatch.setattr(ctypes, "CDLL", none)
    monkeypatch.setitem(sys.modules, "pycuda", None)
    ran = jetson_bundle.run("verify")
    assert ran.code == 1
    assert "export LD_LIBRARY_PATH=/usr/local/cuda/lib64" in ran.err


def test_without_a_gpu_cuda_says_so(jetson_bundle, jetson):
    jetson()
    jetson_bundle.build()
    jetson().cuda.devices = 0
    assert "CUDA finds no GPU" in jetson_bundle.run("verify").err


@pytest.mark.parametrize("version", ["8.2.1", "11.4.0.106"])
def test_the_scripts_run_as_programs_with_pycuda_where_libcudart_is_not_found(
    jetson_bundle, version, tmp_path
):
    path = os.pathsep.join([str(STANDINS / "site"), *filter(None, [os.environ.get("PYTHONPATH")])])
    environment = os.environ | {"PYTHONPATH": path, "STANDIN_TENSORRT": version}

    def program(name, *arguments):
        words = [sys.executable, "-B", str(jetson_bundle.folder / name), *arguments]
        return subprocess.run(
            words, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False
        )

    built = program("build_engine.py", "--json")
    assert built.returncode == 0, built.stderr
    assert json.loads(built.stdout)["tensorrt"] == version
    ran = program("run.py", "verify", "--json")
    assert (ran.returncode, ran.stderr, json.loads(ran.stdout)["ok"]) == (0, "", True)
    refused = program("run.py", "infer")
    assert (refused.returncode, refused.stdout) == (2, "")
