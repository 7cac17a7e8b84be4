"""`edgecnn device fit` of a GPU, a stand-in's, and what predicts from it."""

import importlib.metadata
import json
import os
from dataclasses import replace
from pathlib import Path

import pytest
from torch import nn

from edgecnn.devices import fits
from edgecnn.devices.gpu_terms import GpuTiles
from edgecnn.pipeline import fitting
from edgecnn.pipeline.fitting_ways import WAYS

SITE = Path(__file__).parents[1] / "standins" / "site"
ORIN = {"gpu": "Orin", "sm": "8.7"}
STACKS = 5


@pytest.fixture(scope="module")
def fit_gpu(edgecnn, tiny_networks, tmp_path_factory):
    """Give a function that fits the stand-in of a GPU; its fits lie in a cache of this file's own."""

    def tiny(_seed, _share, kinds):
        assert kinds is not None  # those of a GPU
        # of each operator at which a stand-in may fail, one
        return tiny_networks(STACKS, [("soft", nn.Softmax(1)), ("norm", nn.LocalResponseNorm(3))])

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        patch.setenv("TMPDIR", str(tmp_path_factory.mktemp("board")))
        patch.setenv("PYTHONPATH", os.pathsep.join([str(SITE), os.environ.get("PYTHONPATH", "")]))
        patch.setattr(fitting, "micro_networks", tiny)
        patch.setattr(fitting, "PASSES", 1)
        quick = replace(WAYS["tensorrt"], pace=("--seconds", "0.01", "--warm", "0.01"))
        patch.setattr(fitting, "WAYS", {**WAYS, "tensorrt": quick})

        def run(*arguments, version="10.3.0", **board):
            with pytest.MonkeyPatch.context() as inner:
                inner.setenv("STANDIN_TENSORRT", version)
                inner.setenv("STANDIN_BOARD", json.dumps(ORIN | board))
                return edgecnn("device", "fit", "local", *arguments)

        yield run


@pytest.fixture(scope="module")
def fit(fit_gpu):
    """What it said of a board that builds not every network."""
    no_tactic, no_room = "Could not find any implementation for node soft", "Cuda Runtime (out of memory)"
    return fit_gpu("--as", "jetson-orin-nano", "--json", fails={"Softmax": no_tactic, "LRN": no_room})


def test_every_precision_is_fitted_and_what_was_not_built_is_named(fit):
    assert fit.code == 0, fit.err
    for found, precision in zip(fit.json["fits"], ("fp32", "fp16", "int8"), strict=True):
        assert (found["target"], found["precision"], found["runs"]) == (
            "jetson-orin-nano",
            precision,
            "tensorrt",
        )
        assert (found["runtime"], found["gpu"], found["threads"]) == (
            "tensorrt 10.3.0", {"name": "Orin", "sm": "8.7"}, None,
        )  # fmt: skip
        assert (found["networks"], len(found["errors"])) == (1 + STACKS, STACKS)
        assert sorted(found["left_out"]) == [f"{name}-0.{precision}.onnx" for name in ("norm", "soft")]
        assert "Could not find any implementation" in found["left_out"][f"soft-0.{precision}.onnx"]
        assert found["left_out"][f"norm-0.{precision}.onnx"].startswith("out of memory while building")
    assert "note: soft-0.fp32.onnx is left out, which local could not run: TensorRT built no" in fit.err
    assert "build, then time 24 micro-networks on local ..." in fit.err
    assert "24/24" in fit.err  # of the building
    assert "18/18" in fit.err  # of the timing, in one pass


def test_nothing_is_left_on_the_device(fit):
    assert list(Path(os.environ["TMPDIR"]).iterdir()) == []


def test_a_fitted_board_predicts_in_each_precision_with_band_and_source(edgecnn, fit):
    said = edgecnn("profile", "lenet", "--device", "jetson-orin-nano", "--layers").out
    assert "latency on jetson-orin-nano, fp32, predicted:" in said
    assert "9 of 10 between" in said
    assert f"fitted on {1 + STACKS} micro-networks on local, tensorrt 10.3.0 on Orin" in said
    assert "Conv 5x5 + Sigmoid" in said  # what is fused is one layer
    assert "outside what was fitted: " in said
    for precision in ("fp16", "int8"):
        ran = edgecnn("profile", "lenet", "--device", "jetson-orin-nano", f"--{precision}", "--json")
        found = ran.json["latency"]
        low, high = found["band_s"]
        assert (found["kind"], found["precision"], found["threads"]) == ("predicted", precision, None)
        assert 0 < low <= found["latency_s"] <= high
        assert found["method"].startswith("fitted on")


def test_a_graph_that_is_in_a_precision_already_is_predicted_as_the_float_one_brought_there(
    edgecnn, fit, onnx, tmp_path
):
    def predicted(*words):
        found = edgecnn("profile", *words, "--device", "jetson-orin-nano", "--json").json["latency"]
        return found["precision"], found["latency_s"]

    half = tmp_path / "half.onnx"
    assert edgecnn("compress", onnx, "--recipe", "fold | fp16", "-o", half).code == 0
    assert predicted(half) == predicted(onnx, "--fp16")
    said = edgecnn("profile", half, "--device", "jetson-orin-nano", "--int8").complaint
    assert said == f"{half} computes in fp16 and cannot be predicted in int8; leave --int8 out"


def test_int8_by_the_rules_of_another_runtime_is_refused(edgecnn, fit, trained, tmp_path):
    words = ("export", trained / "run", "--target", "pi4", "--int8", "--calibrate", "digits")
    assert edgecnn(*words, "-o", tmp_path / "int8").code == 0
    said = edgecnn("profile", tmp_path / "int8" / "model.onnx", "--device", "jetson-orin-nano").complaint
    assert said.startswith("the network is quantized by the rules of tflite, and TensorRT wants its own")


def test_pruning_to_a_latency_takes_the_prediction_of_the_gpu(edgecnn, fit, onnx, tmp_path):
    board = fits.find("jetson-orin-nano", "fp32")
    one_rate = {"convolution/mult_adds": 1e-10, "fully connected/mult_adds": 1e-10}
    each = GpuTiles(rows=1, columns=1, depth=1)
    board = replace(board, target="jetson-orin-nx", device="ssh://user@nx", seconds=one_rate, tiles=each)
    fits.keep(board)
    out = tmp_path / "small.onnx"
    ran = edgecnn("compress", onnx, "--recipe", "prune(latency=0.7)", "--target", "jetson-orin-nx", "-o", out)
    assert ran.code == 0, ran.err
    assert "note: latency on jetson-orin-nx is predicted, fitted on ssh://user@nx, tensorrt 10.3.0" in ran.err
    before, after = (
        edgecnn("profile", each, "--device", "jetson-orin-nx", "--json").json["latency"]["latency_s"]
        for each in (onnx, out)
    )
    assert 0 < after <= 0.7 * before


def test_this_machines_gpu_with_another_tensorrt_is_to_be_fitted_again(edgecnn, fit, tmp_path, monkeypatch):
    board = fits.find("jetson-orin-nano", "fp32")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    fits.keep(replace(board, target="host-gpu"))
    true_version = importlib.metadata.version
    for version, code in (("10.3.0.26", 0), ("10.13.3", 1)):
        monkeypatch.setattr(
            importlib.metadata,
            "version",
            lambda name, it=version: it if name == "tensorrt" else true_version(name),
        )
        ran = edgecnn("profile", "lenet", "--device", "host-gpu")
        assert ran.code == code, ran.err
    assert ran.complaint == (
        "host-gpu was fitted with TensorRT 10.3.0, and this machine has 10.13.3 now; fit it again:"
        " edgecnn device fit local --as host-gpu"
    )


def test_a_tflite_file_is_none_of_a_gpus(edgecnn, fit, trained):
    file = trained / "bundle" / "model.tflite"
    said = edgecnn("profile", file, "--device", "jetson-orin-nano").complaint
    assert said == f"{file} is a file for LiteRT, and TensorRT runs none; give the .onnx file"


def test_a_board_that_was_not_fitted_has_a_roofline_and_says_so(edgecnn, fit):
    said = edgecnn("profile", "lenet", "--device", "jetson-nano").out
    assert "predicted by: roofline from the profile: a lower bound" in said
    said = edgecnn("profile", "lenet", "--device", "host-gpu").complaint
    assert said.endswith("fit it: edgecnn device fit local --as host-gpu")


def test_threads_are_of_no_gpu(edgecnn, fit):
    for words in (
        ("device", "fit", "local", "--as", "host-gpu"),
        ("profile", "lenet", "--device", "jetson-nano"),
    ):
        assert "on the GPU, and not on CPU threads" in edgecnn(*words, "--threads", "2").complaint.replace(
            "its GPU", "the GPU"
        )


def test_another_gpu_than_that_of_the_profile_is_refused(fit_gpu):
    ran = fit_gpu("--as", "jetson-nano", "--precision", "fp16")
    said = "Orin (SM 8.7) is not the GPU that was named, of SM 5.3: name the board that this is with --as"
    assert ran.err.splitlines()[-1] == f"edgecnn: error: local: {said}"
    assert "1/8" not in ran.err  # nothing was built


def test_a_gpu_without_int8_says_which_precision_to_leave_out(fit_gpu):
    said = fit_gpu("--as", "host-gpu", "--precision", "int8", sm="5.3").err.splitlines()[-1]
    assert said.endswith("Orin (SM 5.3) has no int8 arithmetic: fit it with --precision fp16 or fp32")


def test_a_fit_of_another_tensorrt_is_refused_until_it_is_fitted_again(edgecnn, fit, fit_gpu):
    newer = fit_gpu(
        "--as", "jetson-orin-nano", "--precision", "fp16", "--json", version="8.5.1", dies_at=["LRN"]
    )
    assert newer.code == 0, newer.err
    assert "signal 9" in newer.json["fits"][0]["left_out"]["norm-0.fp16.onnx"]
    assert edgecnn("profile", "lenet", "--device", "jetson-orin-nano", "--fp16").code == 0
    said = edgecnn("profile", "lenet", "--device", "jetson-orin-nano").complaint
    assert said == (
        "jetson-orin-nano was fitted in fp32 with tensorrt 10.3.0 on Orin, and later in fp16 with tensorrt"
        " 8.5.1 on Orin; fit it again: edgecnn device fit local --as jetson-orin-nano --precision fp32"
    )


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"visits": {}}, "its answer says reference-0.fp16.onnx is"),
        (
            {"environment": {"runtime": "tensorrt 10", "gpu": {"name": "Nano", "sm": "5.3"}}},
            "local has Nano (SM 5.3), and jetson-orin-nano has SM 8.7",
        ),
        ({"failed": ["net"]}, "its answer says failed is"),
        ({"failed": {"../x": "no room"}}, "its answer says failed is"),
        ({"failed": {"stack-0.fp16.onnx": 3}}, "its answer says stack-0.fp16.onnx is"),
        ({"environment": {"runtime": "tensorrt 10"}}, "its answer says gpu is"),
        ({"environment": {"runtime": "tensorrt 10", "gpu": {"name": "Orin"}}}, "its answer says sm is"),
        ({"failed": {f"stack-{place}.fp16.onnx": "no room" for place in range(2)}}, "3 stacks were measured"),
    ],
    ids=[
        "no visits",
        "another GPU",
        "a list",
        "a foreign name",
        "no text",
        "no GPU",
        "half a GPU",
        "too few stacks",
    ],
)
def test_an_answer_that_no_script_gives_leaves_no_fit(fit_gpu, monkeypatch, change, said):
    def answered(there, folder, way, words, on_count):
        names = [path.name for path in folder.glob("*.onnx")]
        visit = {"times_s": [1e-3], "reference_s": [1e-3, 1e-3]}
        told = {"runtime": "tensorrt 10.3.0", "cpu": None, "gpu": {"name": "Orin", "sm": "8.7"}}
        return {"environment": told, "visits": {name: [visit] for name in names}, "failed": {}} | change

    monkeypatch.setattr(fitting, "time_there", answered)
    before = len(list(fits.folder().glob("*")))
    ran = fit_gpu("--as", "jetson-orin-nano", "--precision", "fp16")
    assert ran.code == 1
    assert said in ran.err.splitlines()[-1]
    assert len(list(fits.folder().glob("*"))) == before


def test_a_device_without_tensorrt_is_refused_before_networks_are_made(edgecnn, monkeypatch):
    monkeypatch.delenv("PYTHONPATH", raising=False)  # without the stand-in
    monkeypatch.setattr(fitting, "micro_networks", lambda *_: pytest.fail("networks were made"))
    said = edgecnn("device", "fit", "local", "--as", "host-gpu").err
    assert "local: the Python module tensorrt cannot be loaded" in said


def test_another_gpu_than_named_is_refused_before_networks_are_made(fit_gpu, monkeypatch):
    monkeypatch.setattr(fitting, "micro_networks", lambda *_: pytest.fail("networks were made"))
    said = fit_gpu("--as", "jetson-thor").err
    assert "Orin (SM 8.7) is not the GPU that was named, of SM 11.0" in said
