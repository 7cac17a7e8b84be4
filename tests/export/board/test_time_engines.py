"""time_engines.py: engines of a folder of networks are built and timed; what cannot be is named."""

import json
import shutil
import sys
from pathlib import Path

import numpy as np
import onnx
import onnx_ir as ir
import pytest

import edgecnn.export.board
from edgecnn.calls import parse_recipe
from edgecnn.quantize import Context, compress

VERSIONS = sorted(
    (path.stem for path in (Path(__file__).parents[2] / "standins" / "tensorrt_api").glob("*.json")),
    key=lambda text: [int(digits) for digits in text.split(".")],
)
ORIN = {"gpu": "Orin", "sm": "8.7"}
QUICK = ("--seconds", "0.001", "--warm", "0.001", "--passes", "2")
REFERENCE = "reference.fp32.onnx"


@pytest.fixture
def folder(empty_bundle, make_model, jetson_bundle):
    """Give a folder with the scripts and a network in each precision, and the script as a module."""
    place = empty_bundle.folder
    for name in ("time_engines", "time_networks"):
        shutil.copy(Path(edgecnn.export.board.__file__).parent / f"{name}.py", place)
    for path in place.glob("*.onnx"):
        path.unlink()
    model = make_model()
    onnx.save(model, place / REFERENCE)
    for name in ("fp16", "int8"):
        context = Context(
            images=lambda: [np.eye(8, dtype=np.float32)[None, None].repeat(3, 1)], scheme="tensorrt"
        )
        step = compress(ir.from_proto(model), parse_recipe(name), context=context)[-1]
        onnx.save(ir.to_proto(step.after), place / f"net.{name}.onnx")
    yield place
    for name in ("time_engines", "time_networks"):
        sys.modules.pop(name, None)


@pytest.fixture
def script(folder, empty_bundle, monkeypatch):
    """Give the script; what it starts runs in this process."""
    module = empty_bundle.script("time_engines")
    monkeypatch.setattr(module, "spawn", lambda words: module.main(words))
    monkeypatch.setattr(module.time_networks, "BLOCK_S", 1e-4)
    return module


def run(script, *more):
    """Run it to its end; return the exit code and its answer."""
    place = Path(script.board.BUNDLE)
    code = script.main(["--reference", REFERENCE, *QUICK, *more])
    answer = place / "answer.json"
    return code, json.loads(answer.read_text()) if answer.exists() else None


@pytest.mark.parametrize("version", VERSIONS)
def test_engines_of_every_precision_are_built_and_timed_in_every_version(script, jetson, version, capsys):
    board = jetson(version, **ORIN)
    code, found = run(script)
    assert code == 0, capsys.readouterr().err
    assert sorted(found["visits"]) == ["net.fp16.onnx", "net.int8.onnx", REFERENCE]
    for visits in found["visits"].values():
        assert len(visits) == 2  # passes
        assert all(len(visit["reference_s"]) == 2 and min(visit["times_s"]) > 0 for visit in visits)
    assert found["failed"] == {}
    assert found["environment"]["runtime"] == f"tensorrt {version}"
    assert found["environment"]["gpu"] == {"name": "Orin", "sm": "8.7"}
    assert (board.cuda.allocations, board.cuda.streams) == (0, 0)
    lines = capsys.readouterr().out.split()
    assert lines == [*(f"{n}/3" for n in (1, 2, 3)), *(f"{n}/6" for n in range(1, 7))]


def test_an_engine_that_is_there_is_not_built_again(script, jetson):
    board = jetson("10.3.0", **ORIN)
    run(script)
    built = len(board.board.networks)
    run(script)
    assert (built, len(board.board.networks)) == (3, 3)


def test_the_timings_of_one_build_help_the_next(script, jetson):
    board = jetson("8.5.1", **ORIN)
    run(script)
    known = [config._cache._known for config in board.board.configs]
    assert known == [b"", *[b"timings 8.5.1 of 8.7"] * 2]


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("Cuda Runtime (out of memory)", "out of memory while building (Cuda Runtime (out of memory))"),
        ("Could not find any implementation for node act", "TensorRT built no engine: Could not find any"),
    ],
    ids=["no memory", "no tactic"],
)
def test_a_network_that_is_not_built_is_named_and_the_others_are_timed(script, jetson, said, reason):
    jetson("10.3.0", fails={"QuantizeLinear": said}, **ORIN)
    code, found = run(script)
    assert code == 0
    assert sorted(found["visits"]) == ["net.fp16.onnx", REFERENCE]
    assert list(found["failed"]) == ["net.int8.onnx"]
    assert found["failed"]["net.int8.onnx"].startswith(reason)


def test_a_network_that_the_parser_refuses_is_named_with_the_operator(script, jetson):
    jetson("10.3.0", **ORIN)
    path = Path(script.board.BUNDLE) / "net.fp16.onnx"
    model = onnx.load(path)
    model.graph.node[1].domain = "foreign"
    onnx.save(model, path)
    found = run(script)[1]
    assert "cannot read net.fp16.onnx: node 1 Conv conv: No importer" in found["failed"]["net.fp16.onnx"]


def test_an_engine_that_finds_no_room_to_run_is_named(script, jetson, monkeypatch):
    board = jetson("10.3.0", **ORIN)
    run(script)
    loaded = script.Engine

    def opened(name):
        board.board.no_context = name == "net.int8.onnx"
        return loaded(name)

    monkeypatch.setattr(script, "Engine", opened)
    found = run(script)[1]
    assert found["failed"] == {
        "net.int8.onnx": "no room to run net.int8.onnx.engine: Cuda Runtime (out of memory)"
    }
    assert sorted(found["visits"]) == ["net.fp16.onnx", REFERENCE]
    assert (board.cuda.allocations, board.cuda.streams) == (0, 0)


def test_a_build_that_dies_costs_one_network_and_the_rest_go_on(script, jetson, monkeypatch):
    jetson("10.3.0", **ORIN)
    starts = []

    def spawn(words):
        starts.append(words)
        if len(starts) == 1:
            script.board.write_whole(script.BEGUN, b"net.fp16.onnx")
            return -9
        return script.main(words)

    monkeypatch.setattr(script, "spawn", spawn)
    found = run(script)[1]
    assert len(starts) == 2
    assert list(found["failed"]) == ["net.fp16.onnx"]
    assert "ended with signal 9" in found["failed"]["net.fp16.onnx"]
    assert sorted(found["visits"]) == ["net.int8.onnx", REFERENCE]


def test_what_was_being_built_when_the_script_was_ended_is_built_again(script, jetson):
    jetson("10.3.0", **ORIN)
    script.board.write_whole(script.BEGUN, b"net.fp16.onnx")
    assert run(script)[1]["failed"] == {}


@pytest.mark.parametrize(
    ("board", "room", "said"),
    [
        ({"sm": "5.3"}, 0, "(SM 5.3) has no int8 arithmetic: fit it with --precision fp16 or fp32"),
        ({"no_gpu": True}, 0, "TensorRT finds no GPU to build for"),
        ({"fails": {"Conv": "no tactics to implement"}}, 0, "the reference cannot be built: TensorRT built"),
        ({}, 1 << 62, "MiB are free"),
    ],
    ids=["no int8", "no GPU", "no reference", "no room on the disk"],
)
def test_what_cannot_be_begun_says_why(script, jetson, capsys, monkeypatch, board, room, said):
    jetson("8.2.1", **{**ORIN, **board})
    monkeypatch.setattr(script, "ROOM_BYTES", room)
    try:
        code, found = run(script)
    except SystemExit as ended:  # the process that it started has said why
        code, found = ended.code, None
    err = capsys.readouterr().err
    assert (code, found) == (1, None)
    assert said in err.splitlines()[-1]
    assert err.splitlines()[-1].startswith("error: ")


def test_without_the_module_it_says_how_to_get_it(script, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "tensorrt", None)
    assert run(script) == (1, None)
    assert "sudo apt install python3-libnvinfer" in capsys.readouterr().err
