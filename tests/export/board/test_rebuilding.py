"""An engine that still fits is kept; one that does not is built again, and the reason is said."""

import hashlib
import json
from pathlib import Path

import pytest

VERSIONS = sorted(
    (path.stem for path in (Path(__file__).parents[2] / "standins" / "tensorrt_api").glob("*.json")),
    key=lambda text: [int(digits) for digits in text.split(".")],
)
ORIN = {"gpu": "Orin", "sm": "8.7"}


@pytest.mark.parametrize("version", VERSIONS)
def test_an_engine_that_still_fits_is_kept_in_every_version(int8_bundle, jetson, version):
    board = jetson(version, **ORIN).board
    first = int8_bundle.build("--json")
    again = int8_bundle.build("--json")
    assert (first.json["built"], again.code, again.json["built"]) == (True, 0, False)
    assert again.json["sha256"] == first.json["sha256"]
    assert len(board.configs) == 1
    assert again.err == ""
    assert "still fits this board and was kept" in int8_bundle.build().out


def test_it_is_built_again_where_that_is_asked_for(int8_bundle, jetson):
    board = jetson("10.3.0", **ORIN).board
    assert int8_bundle.build().code == int8_bundle.build("--force").code == 0
    assert len(board.configs) == 2


def other_bytes(bundle):
    with (bundle.folder / "model.int8.engine").open("ab") as file:
        file.write(b"x")


def no_record(bundle):
    (bundle.folder / "model.int8.engine.json").unlink()


def half_a_record(bundle):
    (bundle.folder / "model.int8.engine.json").write_text("{")


def another_graph(bundle):
    path = bundle.folder / "model.int8.engine.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"onnx_sha256": "0" * 64}))


def less_of_a_record(bundle):
    path = bundle.folder / "model.int8.engine.json"
    path.write_text(json.dumps({k: v for k, v in json.loads(path.read_text()).items() if k != "bytes"}))


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (less_of_a_record, "has no record of what it was built for"),
        (other_bytes, "has changed since it was built"),
        (no_record, "has no record of what it was built for"),
        (half_a_record, "has no record of what it was built for"),
        (another_graph, "was built from another model"),
    ],
)
def test_an_engine_that_is_not_what_it_was_is_built_again(int8_bundle, jetson, spoil, reason):
    jetson("8.5.1", **ORIN)
    int8_bundle.build()
    spoil(int8_bundle)
    ran = int8_bundle.build("--json")
    assert (ran.code, ran.json["built"], ran.json["reason"]) == (0, True, reason)
    assert f"model.int8.engine {reason}: building it again" in ran.err
    assert int8_bundle.run("verify").code == 0


@pytest.mark.parametrize(
    ("version", "board", "arguments", "reason"),
    [
        ("10.3.0", ORIN, [], "was built by TensorRT 8.5.1 and this board has 10.3.0"),
        (
            "8.5.1",
            {"gpu": "Xavier", "sm": "7.2"},
            [],
            "was built for Orin (SM 8.7) and this board has Xavier (SM 7.2)",
        ),
        ("8.5.1", ORIN, ["--workspace", "64"], "was built with another --workspace"),
        ("8.5.1", ORIN, ["--tf32"], "was built with another --tf32"),
    ],
    ids=["TensorRT", "GPU", "workspace", "TF32"],
)
def test_what_an_engine_depends_on_is_named_where_it_changed(
    int8_bundle, jetson, version, board, arguments, reason
):
    jetson("8.5.1", **ORIN)
    int8_bundle.build("--precision", "fp32")
    jetson(version, **board)
    ran = int8_bundle.build("--precision", "fp32", *arguments)
    assert ran.code == 0
    assert f"model.fp32.engine {reason}: building it again" in ran.err
    assert int8_bundle.run("verify", "--precision", "fp32").code == 0


def test_another_dla_is_a_reason(int8_bundle, jetson):
    jetson("8.5.1", dla_cores=2, **ORIN)
    int8_bundle.build("--dla", "0")
    ran = int8_bundle.build("--dla", "1")
    assert "was built for DLA 0 and is asked for DLA 1: building it again" in ran.err
    assert int8_bundle.run("verify", "--dla").code == 0


def test_an_engine_that_cannot_be_built_again_stays_as_it_was(int8_bundle, jetson):
    jetson("8.5.1", **ORIN)
    int8_bundle.build()
    before = (int8_bundle.folder / "model.int8.engine").read_bytes()
    jetson("10.3.0", build_error="Cuda Runtime (out of memory)", **ORIN)
    assert int8_bundle.build().code == 1
    assert (int8_bundle.folder / "model.int8.engine").read_bytes() == before
    assert "was built from tensorrt 8.5.1 and this board has 10.3.0" in int8_bundle.run("verify").err


def test_an_engine_that_tensorrt_does_not_read_is_built_again(int8_bundle, jetson):
    jetson("8.5.1", **ORIN)
    int8_bundle.build()
    path = int8_bundle.folder / "model.int8.engine"
    path.write_bytes(b"no plan")
    record = int8_bundle.folder / "model.int8.engine.json"
    digest = hashlib.sha256(b"no plan").hexdigest()
    record.write_text(json.dumps(json.loads(record.read_text()) | {"sha256": digest}))
    assert "cannot read model.int8.engine" in int8_bundle.run("verify").err
    ran = int8_bundle.build()
    assert "cannot be read (Serialization assertion magicTagRead failed.): building it again" in ran.err
    assert int8_bundle.run("verify").code == 0


def test_a_folder_in_its_place_is_an_error_and_stays(int8_bundle, jetson):
    jetson("8.5.1", **ORIN)
    (int8_bundle.folder / "model.int8.engine").mkdir()
    ran = int8_bundle.build()
    assert (ran.code, "error: model.int8.engine cannot be written: Is a directory" in ran.err) == (1, True)
