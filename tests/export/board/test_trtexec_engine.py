"""Engines by trtexec, where TensorRT's Python module is missing, on stand-ins of nine versions."""

import json
import sys
from pathlib import Path

import pytest

from edgecnn.export.tensorrt import trtexec_text

STANDINS = Path(__file__).parents[2] / "standins"
VERSIONS = sorted(
    (path.stem for path in (STANDINS / "tensorrt_api").glob("*.json")),
    key=lambda text: [int(digits) for digits in text.split(".")],
)
GRAPHS = [
    (f"model{part}.onnx", name, "fp32") for part, name in (("", "fp32"), (".fp16", "fp16"), (".int8", "int8"))
]
LINES_FOR = ["8.2.1", "8.4.1", "8.5.2", "8.6.1", "10.3.0", "10.13.0", "10.16.0", "11.4.0"]


@pytest.fixture
def with_trtexec(int8_bundle, jetson, tmp_path, monkeypatch):
    """Give a function that makes this process a board with trtexec and without the Python module."""

    def become(version, lines_for=tuple(LINES_FOR)):
        (int8_bundle.folder / "trtexec.txt").write_text(trtexec_text(GRAPHS, lines_for))
        int8_bundle.list_files()
        jetson("8.2.1", gpu="Orin", sm="8.7")
        monkeypatch.setitem(sys.modules, "tensorrt", None)
        program = tmp_path / "bin" / "trtexec"
        program.parent.mkdir(exist_ok=True)
        program.write_text(f'#!/bin/sh\nexec {sys.executable} -B {STANDINS / "trtexec_standin.py"} "$@"\n')
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
        monkeypatch.setenv("STANDIN_TENSORRT", version)
        return int8_bundle

    return become


def leftovers(bundle):
    return sorted(path.name for path in bundle.folder.iterdir() if ".engine" in path.name)


@pytest.mark.parametrize("version", VERSIONS)
def test_an_engine_is_built_by_the_line_of_its_version(with_trtexec, version):
    bundle = with_trtexec(version)
    ran = bundle.build("--precision", "int8", "--json")
    assert (ran.code, ran.json["builder"], ran.json["precision"]) == (0, "trtexec", "int8"), ran.err
    assert ran.json["tensorrt"] == ".".join(version.split(".")[:3])
    assert leftovers(bundle) == ["model.int8.engine", "model.int8.engine.json"]


def test_what_comes_next_needs_no_python_module(with_trtexec):
    ran = with_trtexec("10.3.0").build("--precision", "fp16")
    assert ran.out.splitlines()[-1].startswith("next: python3 fastest_engine.py --keep-all")


def test_a_release_between_two_takes_the_line_of_the_older(with_trtexec):
    bundle = with_trtexec("8.6.1", ["8.2.1", "8.5.2", "10.3.0"])
    assert bundle.build("--precision", "fp16").code == 0


def test_a_release_older_than_every_line_is_refused(with_trtexec):
    ran = with_trtexec("8.2.1", ["8.5.2", "10.3.0"]).build()
    assert ran.code == 1
    assert "trtexec.txt has lines for TensorRT 8.5, 10.3 and this board has 8.2.1" in ran.err


def test_the_options_of_a_build_are_handed_on(with_trtexec, tmp_path):
    bundle, cache = with_trtexec("8.5.1"), tmp_path / "timing.cache"
    module = bundle.script("build_engine")
    words = []
    execute = module.trtexec_engine.Trtexec.execute

    def watched(self, given, *rest):
        words.extend(given)
        return execute(self, given, *rest)

    module.trtexec_engine.Trtexec.execute = watched
    ran = bundle.build("--precision", "fp32", "--tf32", "--workspace", "64", "--timing-cache", str(cache))
    assert ran.code == 0
    assert "--memPoolSize=workspace:64" in words
    assert "--noTF32" not in words
    assert cache.read_bytes() == b"timings"


def test_what_trtexec_says_of_a_failure_is_said(with_trtexec, monkeypatch):
    bundle = with_trtexec("10.3.0")
    monkeypatch.setenv("STANDIN_FAILURE", "Could not find any implementation for node conv")
    ran = bundle.build("--precision", "fp16")
    assert ran.code == 1
    assert ran.err.endswith(
        "error: trtexec built no engine: Could not find any implementation for node conv\n"
    )
    assert leftovers(bundle) == []


def test_a_changed_list_of_lines_is_not_run(with_trtexec):
    bundle = with_trtexec("10.3.0")
    path = bundle.folder / "trtexec.txt"
    path.write_text(path.read_text().replace("trtexec --onnx", "rm --onnx"))
    assert "trtexec.txt is damaged" in bundle.build().err
    bundle.list_files()
    assert "trtexec.txt is damaged: a line begins with 'rm'" in bundle.build().err


def test_a_dla_needs_the_python_module(with_trtexec):
    ran = with_trtexec("8.5.1").build("--dla", "0")
    assert (ran.code, "needs TensorRT's Python module" in ran.err) == (1, True)


def test_without_either_both_are_named(with_trtexec, monkeypatch):
    bundle = with_trtexec("8.5.1")
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    monkeypatch.setattr(bundle.script("trtexec_engine"), "PLACES", ())
    ran = bundle.build()
    assert "sudo apt install python3-libnvinfer" in ran.err
    assert ran.err.endswith("there is no trtexec either\n")


@pytest.mark.parametrize("version", ["8.2.1", "11.4.0.106"])
def test_engines_are_compared_through_trtexec(with_trtexec, version):
    bundle = with_trtexec(version)
    ran = bundle.fastest("--runs", "5", "--json")
    assert ran.code == 0, ran.err
    found = {row["title"]: row for row in ran.json["engines"]}
    # The stand-in's latencies, without the 99 ms of its warm-up.
    assert {name: found[name].get("median_s") for name in ("fp32", "fp16", "int8")} == {
        "fp32": 3e-3,
        "fp16": 2e-3,
        "int8": 1e-3,
    }
    assert ran.json["kept"] == "model.int8.engine"
    assert found["int8"]["max_abs_error"] < 1e-6
    assert "needs TensorRT's Python module" in found["int8 on the DLA"]["failed"]
    assert not [
        path.name
        for path in bundle.folder.iterdir()
        if path.name.startswith("trtexec.") and path.suffix != ".txt"
    ]
    assert json.loads((bundle.folder / "fastest.json").read_text())["kept"] == "model.int8.engine"


def test_pictures_are_not_classified_through_trtexec(with_trtexec, tmp_path):
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures" / "a.npy").write_bytes(b"")
    ran = with_trtexec("8.5.1").fastest("--pictures", str(tmp_path / "pictures"))
    assert "--pictures needs TensorRT's Python module" in ran.err


@pytest.mark.parametrize(
    ("banner", "version"),
    [
        ("&&&& RUNNING TensorRT.trtexec [TensorRT v8201] # trtexec", (8, 2, 1)),
        ("&&&& RUNNING TensorRT.trtexec [TensorRT v8502] # trtexec", (8, 5, 2)),
        ("&&&& RUNNING TensorRT.trtexec [TensorRT v101602] [b10] # trtexec", (10, 16, 2)),
        ("&&&& RUNNING TensorRT.trtexec [TensorRT v11.1.0.106] [b48] # trtexec", (11, 1, 0)),
    ],
)
def test_a_version_is_read_from_the_banner(empty_bundle, banner, version):
    assert empty_bundle.script("trtexec_engine").version_in(banner) == version
