"""build_engine.py on stand-ins of nine TensorRT versions: an engine and its record, or one clear sentence."""

import errno
import hashlib
import json
import os
import re
import sys
from pathlib import Path

import onnx
import pytest

VERSIONS = sorted(
    (path.stem for path in (Path(__file__).parents[2] / "standins" / "tensorrt_api").glob("*.json")),
    key=lambda text: [int(digits) for digits in text.split(".")],
)


def leftovers(bundle):
    return sorted(path.name for path in bundle.folder.iterdir() if ".engine" in path.name)


def test_the_names_of_nine_versions_are_there():
    assert len(VERSIONS) == 9
    assert VERSIONS[0] == "8.2.1"
    assert VERSIONS[-1] == "11.4.0.106"


@pytest.mark.parametrize("precision", ["fp32", "fp16"])
@pytest.mark.parametrize("version", VERSIONS)
def test_an_engine_is_built_in_every_version(jetson_bundle, jetson, version, precision):
    jetson(version, gpu="NVIDIA Tegra X1", sm="5.3")
    ran = jetson_bundle.build("--precision", precision, "--json")
    assert (ran.code, ran.json["tensorrt"], ran.json["precision"]) == (0, version, precision)
    record = json.loads((jetson_bundle.folder / f"model.{precision}.engine.json").read_text())
    engine = (jetson_bundle.folder / f"model.{precision}.engine").read_bytes()
    onnx = (jetson_bundle.folder / record["onnx"]).read_bytes()
    assert record["gpu"] == {"name": "NVIDIA Tegra X1", "sm": "5.3"}
    assert record["sha256"] == hashlib.sha256(engine).hexdigest()
    assert record["onnx_sha256"] == hashlib.sha256(onnx).hexdigest()
    assert record["onnx"] == {"fp32": "model.onnx", "fp16": "model.fp16.onnx"}[precision]


@pytest.mark.parametrize("version", VERSIONS)
def test_each_version_gets_the_flags_that_it_has(jetson_bundle, jetson, version):
    board = jetson(version).board
    assert jetson_bundle.build("--precision", "fp16", "--workspace", "64").code == 0
    assert jetson_bundle.build("--precision", "fp32").code == 0
    half, full = board.configs
    weakly_typed = version.startswith("8.")
    assert [flag.name for flag in half._flags] == (["FP16"] if weakly_typed else [])
    assert half._workspace == 64 * 1024**2
    assert half._cleared == set()
    assert full._flags == set()
    assert full._cleared == {"TF32"}


def test_tf32_can_be_allowed(jetson_bundle, jetson):
    board = jetson("8.5.1").board
    assert jetson_bundle.build("--precision", "fp32", "--tf32").code == 0
    assert board.configs[0]._cleared == set()


def test_fp16_is_the_default_and_the_next_command_is_named(jetson_bundle, jetson):
    jetson()
    ran = jetson_bundle.build()
    assert ran.out.splitlines()[-1] == "next: python3 run.py verify --precision fp16"
    assert leftovers(jetson_bundle) == ["model.fp16.engine", "model.fp16.engine.json"]


def test_a_timing_cache_is_written_and_read_again(jetson_bundle, jetson, tmp_path):
    cache = tmp_path / "timing.cache"
    board = jetson("8.6.1").board
    assert jetson_bundle.build("--timing-cache", str(cache)).code == 0
    written = cache.read_bytes()
    assert jetson_bundle.build("--timing-cache", str(cache), "--force").code == 0
    assert board.configs[1]._cache._known == written != b""


def test_a_timing_cache_of_another_version_is_not_used(jetson_bundle, jetson, tmp_path):
    cache = tmp_path / "timing.cache"
    cache.write_bytes(b"timings 7.1 of another board")
    board = jetson("10.3.0").board
    ran = jetson_bundle.build("--timing-cache", str(cache))
    assert ran.code == 0
    assert "is of another TensorRT or GPU: starting an empty one" in ran.err
    assert board.configs[0]._cache._known == b""


@pytest.mark.parametrize(
    ("board", "sentence"),
    [
        (
            {"build_error": "Cuda Runtime (out of memory)"},
            "out of memory while building .*try --workspace 128",
        ),
        (
            {"build_error": "Could not find any implementation"},
            "TensorRT built no engine: Could not find any implementation; try --workspace 512",
        ),
        ({"no_gpu": True}, "TensorRT finds no GPU to build for: CUDA initialization failure"),
    ],
    ids=["out of memory", "no implementation", "no GPU"],
)
def test_a_build_that_gives_nothing_says_why(jetson_bundle, jetson, board, sentence):
    jetson("8.2.1", **board)
    ran = jetson_bundle.build()
    assert ran.code == 1
    assert re.search(f"^error: {sentence}", ran.err, re.MULTILINE)
    assert leftovers(jetson_bundle) == []


@pytest.mark.parametrize(
    ("version", "model", "line"),
    [
        ("8.2.1", {"opset": 14}, "  node -1: opset 14 is over 13"),
        (
            "8.2.1",
            {"opset": 14, "activation": "HardSwish"},
            "  node 1: No importer registered for op: HardSwish.",
        ),
        ("8.5.1", {"opset": 18}, "  node -1: opset 18 is over 17"),
        ("10.3.0", {"opset": 21}, "  node -1: opset 21 is over 20"),
    ],
    ids=["opset on 8.2", "operator on 8.2", "opset on 8.5", "opset on 10.3"],
)
def test_what_a_version_cannot_read_is_listed_one_line_an_error(
    empty_bundle, fill_bundle, make_model, jetson, version, model, line
):
    fill_bundle(make_model(**model))
    jetson(version)
    ran = empty_bundle.build("--precision", "fp32")
    assert ran.code == 1
    assert f"error: TensorRT {version} cannot read model.onnx:" in ran.err.splitlines()
    assert line in ran.err.splitlines()


def test_newer_parsers_name_the_node(empty_bundle, make_model, jetson):
    model = make_model()
    model.graph.node[1].domain = "org.example"
    jetson("10.3.0")
    onnx.save(model, empty_bundle.folder / "model.onnx")
    artifact = {"path": "model.onnx", "format": "onnx", "precision": "fp32", "layout": "NCHW"}
    empty_bundle.change(runtime="tensorrt", artifacts=[artifact | {"max_abs_error_allowed": 1e-4}])
    empty_bundle.list_files()
    assert "  node 1 Relu act: No importer" in empty_bundle.build().err


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (
            "Invalid Node - fc\nfc: input has type Int32 but must have type Int8\nmore",
            "fc: input has type Int32",
        ),
        ("No importer registered for op: Foo.\nAttempted to import as plugin.", "No importer registered"),
        ("Invalid Node - fc", "Invalid Node - fc"),
        ("", "no reason given"),
    ],
    ids=["node first", "reason first", "nothing but the node", "nothing"],
)
def test_of_a_parser_error_the_line_is_said_that_says_what_is_wrong(empty_bundle, text, line):
    assert empty_bundle.script("build_engine").reason(text).startswith(line)


def test_a_damaged_graph_is_not_built(jetson_bundle, jetson):
    jetson()
    path = jetson_bundle.folder / "model.fp16.onnx"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    ran = jetson_bundle.build()
    assert ran.code == 1
    assert "model.fp16.onnx is damaged (its SHA-256 is not the one in manifest.json)" in ran.err


def test_a_bundle_for_litert_needs_no_engine(jetson_bundle, jetson):
    jetson()
    jetson_bundle.change(runtime="litert")
    assert "this bundle is for LiteRT and needs no engine" in jetson_bundle.build().err


def test_a_precision_that_the_bundle_lacks_is_refused(jetson_bundle, jetson):
    jetson()
    ran = jetson_bundle.build("--precision", "int8")
    assert (ran.code, ran.err) == (1, "error: the bundle has no int8 artifact; it has fp16, fp32\n")


def test_without_tensorrt_the_package_to_install_is_named(jetson_bundle, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorrt", None)
    ran = jetson_bundle.build()
    assert ran.code == 1
    assert "sudo apt install python3-libnvinfer" in ran.err


def test_a_full_disk_leaves_nothing_behind(jetson_bundle, jetson, monkeypatch):
    jetson()

    def full(_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    ran = jetson_bundle.build()
    assert ran.code == 1
    assert ran.err.endswith("error: model.fp16.engine cannot be written: No space left on device\n")
    assert leftovers(jetson_bundle) == []


def test_an_interrupted_write_leaves_the_old_engine(jetson_bundle, jetson, monkeypatch):
    jetson()
    assert jetson_bundle.build().code == 0
    before = (jetson_bundle.folder / "model.fp16.engine").read_bytes()

    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", interrupt)
    assert jetson_bundle.build("--force").code == 130
    assert leftovers(jetson_bundle) == ["model.fp16.engine", "model.fp16.engine.json"]
    assert (jetson_bundle.folder / "model.fp16.engine").read_bytes() == before


@pytest.mark.parametrize("argument", ["--workspace=0", "--precision=fp8", "--unknown"])
def test_wrong_usage_is_exit_code_2(jetson_bundle, argument):
    with pytest.raises(SystemExit) as stopped:
        jetson_bundle.build(argument)
    assert stopped.value.code == 2
