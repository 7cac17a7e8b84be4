"""`edgecnn compress` with passes that train: its lines, its table, its JSON, and how it goes on."""

import os
import signal
from contextlib import contextmanager

import pytest

RECIPE = "int8(per_channel=false) | qat(epochs=2, batch=256)"


@pytest.fixture
def command(trained, tmp_path):
    out = tmp_path / "small.onnx"
    few = ["--eval-images", "40", "--calibrate-images", "20"]
    return [
        "compress",
        trained / "run",
        "--recipe",
        RECIPE,
        *few,
        "--target",
        "pi4",
        "--on",
        "cpu",
        "-o",
        out,
    ]


def test_a_run_is_compressed_with_the_pictures_that_it_was_trained_on(edgecnn, command):
    ran = edgecnn(*command, "--json")
    assert ran.code == 0, ran.err
    found = ran.json
    assert [step["pass"] for step in found["steps"]] == ["fold", *RECIPE.split(" | ")]
    for step in found["steps"]:
        assert set(step) >= {"pass", "matched", "note", "totals", "file", "latency", "agreement", "accuracy"}
        assert step["accuracy"]["n"] == step["agreement"]["with_original"]["n"] == 40
    assert found["original"]["accuracy"]["figure"] == "top-1"
    lines = ran.err.splitlines()
    assert [line for line in lines if not line.startswith("epoch")] == [
        f"{each} done" for each in ("fold", *RECIPE.split(" | "))
    ]
    first, second = (line for line in lines if line.startswith("epoch"))
    assert first.startswith("epoch 1/2 of qat  loss ")
    assert "images/s" in first
    assert second.endswith("0 s left")


def test_the_table_has_a_line_for_the_network_as_it_was_and_for_each_pass(edgecnn, command):
    ran = edgecnn(*command)
    title, heads, *rows = ran.out.splitlines()
    assert "in LiteRT on this host, measured" in title
    assert "40 held-out pictures" in title
    assert heads.split("  ")[0] == "pass"
    assert [head in heads for head in ("mult-adds", ".tflite", "latency", "top-1", "same answer")] == [
        True
    ] * 5
    assert [row.split("  ")[0] for row in rows[:4]] == ["(as it was)", "fold", *RECIPE.split(" | ")]
    assert ran.out.splitlines()[-1].startswith("graph: ")


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["INT", "TERM"]
)
def test_after_a_signal_the_same_command_goes_on(edgecnn, command, number, code, monkeypatch, tmp_path, left):
    @contextmanager
    def progress(_first):
        yield lambda text: text.startswith("epoch 1/2") and os.kill(os.getpid(), number)

    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell may have it ignored
    try:
        with monkeypatch.context() as patch:
            patch.setattr("edgecnn.report.progress.progress", progress)
            ran = edgecnn(*command)
    finally:
        signal.signal(signal.SIGINT, before)
    assert ran.code == code
    assert "small.onnx.passes; the same command goes on from there" in ran.err
    assert not (tmp_path / "small.onnx").exists()
    again = edgecnn(*command)
    assert again.code == 0
    assert again.err.splitlines()[:2] == ["fold was done before", "int8(per_channel=false) was done before"]
    assert again.err.splitlines()[2].startswith("epoch 2/2 of qat")
    assert left(tmp_path) == ["small.onnx"]


WRONG = {
    "an augmentation that is none": (["--augment", "blur=1"], 1, "blur"),
    "an augmentation without a value": (["--augment", "flip"], 2, "is not KEY=VALUE"),
    "no device": (["--on", "gpu"], 1, "allowed: auto, cpu, cuda"),
    "half precision on a CPU": (["--precision", "bf16"], 1, "needs a CUDA GPU"),
    "no precision": (["--precision", "int4"], 1, "fp32"),
    "no pictures to measure on": (["--eval-images", "0"], 1, "too few to measure on"),
}


@pytest.mark.parametrize(("flags", "code", "said"), WRONG.values(), ids=WRONG)
def test_wrong_flags_are_refused_in_one_sentence(edgecnn, command, flags, code, said, left, tmp_path):
    ran = edgecnn(*command, *flags)
    assert ran.code == code
    assert said in ran.err
    assert "Traceback" not in ran.err
    assert left(tmp_path) == []


def test_an_export_trains_as_well_and_goes_on_after_a_signal(edgecnn, trained, monkeypatch, tmp_path, left):
    @contextmanager
    def progress(_first):
        yield lambda text: text.startswith("qat: epoch 1/2") and os.kill(os.getpid(), signal.SIGTERM)

    bundle = tmp_path / "bundle"
    command = ["export", trained / "run", "--target", "pi4", "--recipe", RECIPE, "--on", "cpu", "-o", bundle]
    with monkeypatch.context() as patch:
        patch.setattr("edgecnn.report.progress.progress", progress)
        ran = edgecnn(*command)
    assert ran.code == 143
    assert "bundle.passes; the same command goes on from there" in ran.err
    again = edgecnn(*command, "--json")
    assert again.code == 0, again.err
    first = next(line for line in again.err.splitlines() if "epoch" in line)
    assert first.startswith("qat: epoch 2/2, loss ")
    assert [hop["hop"] for hop in again.json["parity"]][-2:] == [
        "onnx → qat(epochs=2, batch=256)",
        "onnx → model.tflite",
    ]
    assert left(tmp_path)[0] == "bundle"
    assert not (tmp_path / "bundle.passes").exists()


def test_an_export_that_trains_does_not_climb_the_ladder(edgecnn, trained, tmp_path):
    command = ["export", trained / "run", "--target", "pi4", "--recipe", RECIPE, "-o", tmp_path / "bundle"]
    ran = edgecnn(*command, "--max-drop", "1")
    assert ran.code == 1
    assert "each would train anew in qat" in ran.err
