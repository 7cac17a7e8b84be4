"""fastest_engine.py: every engine is built, checked and timed; the fastest that is good enough is kept."""

import json
import re
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

VERSIONS = sorted(
    (path.stem for path in (Path(__file__).parents[2] / "standins" / "tensorrt_api").glob("*.json")),
    key=lambda text: [int(digits) for digits in text.split(".")],
)
ORIN = {"gpu": "Orin", "sm": "8.7"}
FEW = ("--runs", "3")


@pytest.fixture
def speeds(int8_bundle, monkeypatch):
    """Give a function that sets what an engine's latency is found to be, in ms by title."""

    def become(**median_ms):
        module = int8_bundle.script("fastest_engine")
        measured = module.measured

        def told(manifest, artifact, *rest):
            found, answers = measured(manifest, artifact, *rest)
            title = module.run.title(artifact).replace(" on the ", "_").lower()
            return found | module.run.summary([median_ms[title] / 1e3] * 3), answers

        monkeypatch.setattr(module, "measured", told)

    return become


def engines(bundle):
    return sorted(path.name for path in bundle.folder.iterdir() if path.suffix == ".engine")


@pytest.fixture
def pictures(tmp_path, int8_bundle):
    """Give a folder of arrays, each in a folder named by the class that the fp32 graph gives it."""
    rng = np.random.default_rng(3)
    session = onnxruntime.InferenceSession(
        (int8_bundle.folder / "model.onnx").read_bytes(), providers=["CPUExecutionProvider"]
    )
    for index in range(12):
        one = rng.normal(size=(1, 3, 8, 8)).astype(np.float32)
        label = int(np.argmax(session.run(None, {"input": one})[0]))
        folder = tmp_path / "pictures" / int8_bundle.manifest["labels"][label]
        folder.mkdir(parents=True, exist_ok=True)
        np.save(folder / f"{index}.npy", one)
    return tmp_path / "pictures"


@pytest.mark.parametrize("version", VERSIONS)
def test_every_engine_is_measured_and_one_kept_in_every_version(int8_bundle, jetson, version):
    board = jetson(version, dla_cores=2, **ORIN)
    ran = int8_bundle.fastest(*FEW, "--json")
    assert ran.code == 0, ran.err
    found = {row["title"]: row for row in ran.json["engines"]}
    built = {"fp32", "fp16", "int8"} | ({"int8 on the DLA"} if not version.startswith("11.") else set())
    assert {title for title, row in found.items() if "median_s" in row} == built
    assert (
        ran.json["kept"]
        == min((row for row in found.values() if "median_s" in row), key=lambda row: row["median_s"])[
            "engine"
        ]
    )
    assert engines(int8_bundle) == [ran.json["kept"]]
    assert (board.cuda.allocations, board.cuda.streams) == (0, 0)
    assert int8_bundle.run("verify").code == 0
    assert json.loads((int8_bundle.folder / "fastest.json").read_text())["kept"] == ran.json["kept"]


def test_int8_that_is_slower_than_fp16_is_said_and_not_kept(int8_bundle, jetson, speeds):
    jetson("8.5.1", **ORIN)
    speeds(fp32=4, fp16=2, int8=3)
    ran = int8_bundle.fastest(*FEW)
    assert engines(int8_bundle) == ["model.fp16.engine"]
    assert "int8 is slower than fp16 here" in ran.out.splitlines()
    medians = dict(re.findall(r"^(\S+) +([\d.]+) ms", ran.out, re.MULTILINE))
    assert medians == {"fp16": "2.000", "int8": "3.000", "fp32": "4.000"}
    assert int8_bundle.run("bench", "--runs", "2", "--json").json["precision"] == "fp16"


def test_a_dla_can_be_the_fastest(int8_bundle, jetson, speeds):
    jetson("10.3.0", dla_cores=2, **ORIN)
    speeds(fp32=4, fp16=2, int8=3, int8_dla=1)
    assert int8_bundle.fastest(*FEW, "--dla", "1").code == 0
    assert engines(int8_bundle) == ["model.int8.dla.engine"]
    assert int8_bundle.run("bench", "--runs", "2", "--json").json["environment"]["dla_core"] == 1


def test_all_are_kept_where_that_is_asked_for(int8_bundle, jetson):
    jetson("10.3.0", **ORIN)
    assert int8_bundle.fastest(*FEW, "--keep-all").code == 0
    assert engines(int8_bundle) == ["model.fp16.engine", "model.fp32.engine", "model.int8.engine"]


def test_a_board_without_int8_says_so_and_keeps_another(int8_bundle, jetson):
    jetson("8.2.1", sm="5.3")
    ran = int8_bundle.fastest(*FEW, "--json")
    failed = {row["title"]: row["failed"] for row in ran.json["engines"] if "failed" in row}
    assert set(failed) == {"int8", "int8 on the DLA"}
    assert "has no int8 arithmetic" in failed["int8"]


def test_an_engine_with_wrong_outputs_is_not_kept(int8_bundle, jetson, speeds, monkeypatch):
    jetson("8.5.1", **ORIN)
    speeds(fp32=4, fp16=3, int8=1)
    path = int8_bundle.folder / "sample" / "output.int8.npy"
    np.save(path, np.load(path) + 9)
    int8_bundle.list_files()
    ran = int8_bundle.fastest(*FEW)
    assert engines(int8_bundle) == ["model.fp16.engine"]
    assert "int8: failed: its outputs are wrong (differ by up to" in ran.err


def test_where_nothing_is_good_enough_nothing_is_removed(int8_bundle, jetson):
    board = jetson("8.5.1", **ORIN).board
    int8_bundle.build("--precision", "fp16")
    board.wrong_outputs = 1.0
    ran = int8_bundle.fastest(*FEW)
    assert (ran.code, ran.out) == (1, "")
    assert "error: no engine is good enough: fp32: its outputs are wrong" in ran.err
    assert "model.fp16.engine" in engines(int8_bundle)


def test_a_build_that_fails_does_not_end_the_others(int8_bundle, jetson):
    jetson("8.5.1", build_error="Cuda Runtime (out of memory)", **ORIN)
    ran = int8_bundle.fastest(*FEW)
    assert ran.code == 1
    assert (
        len(re.findall("^(?:fp32|fp16|int8): failed: out of memory while building", ran.err, re.MULTILINE))
        == 3
    )


def test_top_1_is_measured_where_pictures_lie_in_folders_named_by_class(
    int8_bundle, jetson, speeds, pictures
):
    jetson("8.5.1", **ORIN)
    speeds(fp32=4, fp16=3, int8=1)
    ran = int8_bundle.fastest(*FEW, "--pictures", str(pictures), "--max-drop", "100", "--json")
    found = {row["title"]: row for row in ran.json["engines"]}
    assert ran.json["pictures"] == 12
    assert (found["fp32"]["top1"], found["fp32"]["agreement"], found["fp32"]["drop"]) == (100, 100, 0)
    # The classes are the fp32 graph's, so that agreement and top-1 are the same.
    assert found["int8"]["top1"] == found["int8"]["agreement"] == 100 - found["int8"]["drop"]
    assert ran.json["kept"] == "model.int8.engine"


@pytest.mark.parametrize("labelled", [True, False], ids=["top-1", "agreement"])
def test_an_engine_that_loses_more_than_is_allowed_is_not_kept(
    int8_bundle, jetson, speeds, pictures, labelled, monkeypatch
):
    jetson("8.5.1", **ORIN)
    speeds(fp32=4, fp16=3, int8=1)
    module = int8_bundle.script("fastest_engine")
    right = module.best_class

    def one_wrong(runner, path, manifest):
        wrong = path.endswith("7.npy") and runner.name == "model.int8.engine"
        return (right(runner, path, manifest) + wrong) % 5

    monkeypatch.setattr(module, "best_class", one_wrong)
    if not labelled:
        for path in pictures.glob("*/*.npy"):
            path.rename(pictures / path.name)
        for folder in list(pictures.glob("[a-z]*")):
            folder.rmdir()
    allowed = ["8", "9"]  # 1 of 12 pictures is 8.33 points
    kept = []
    for points in allowed:
        ran = int8_bundle.fastest(*FEW, "--pictures", str(pictures), "--max-drop", points, "--keep-all")
        kept.append(json.loads((int8_bundle.folder / "fastest.json").read_text())["kept"])
        assert ("loses 8.33 points, allowed 8" in ran.out) == (points == "8")
    assert kept == ["model.fp16.engine", "model.int8.engine"]


@pytest.mark.parametrize(
    ("prepare", "sentence"),
    [
        (lambda _: None, "cannot be read: No such file or directory"),
        (lambda folder: folder.mkdir(), "holds no picture"),
        (lambda folder: (folder / "horse").mkdir(parents=True), "the folder horse is no class of this model"),
    ],
    ids=["missing", "empty", "unknown class"],
)
def test_pictures_that_cannot_be_used_are_refused_before_any_build(
    int8_bundle, jetson, tmp_path, prepare, sentence
):
    folder = tmp_path / "pictures"
    prepare(folder)
    if (folder / "horse").is_dir():
        (folder / "horse" / "a.npy").write_bytes(b"")
    board = jetson("8.5.1", **ORIN).board
    ran = int8_bundle.fastest(*FEW, "--pictures", str(folder))
    assert (ran.code, sentence in ran.err) == (1, True)
    assert board.configs == []


def test_a_changed_manifest_is_refused(int8_bundle, jetson):
    jetson("8.5.1", **ORIN)
    path = int8_bundle.folder / "manifest.json"
    path.write_text(path.read_text().replace('"int8"', '"fp16"', 1))
    assert "manifest.json has changed since the bundle was made" in int8_bundle.fastest(*FEW).err


@pytest.mark.parametrize("argument", ["--runs=0", "--max-drop=-1", "--max-drop=nan", "--dla=-1", "--unknown"])
def test_wrong_usage_is_exit_code_2(int8_bundle, argument):
    with pytest.raises(SystemExit) as stopped:
        int8_bundle.fastest(argument)
    assert stopped.value.code == 2
