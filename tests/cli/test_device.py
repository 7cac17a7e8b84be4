"""`edgecnn device fit`, and what predicts from it: `profile --device` and `compress --target`."""

from dataclasses import replace

import pytest

from edgecnn.devices import fits
from edgecnn.pipeline import fitting

STACKS = 6


@pytest.fixture(scope="module")
def fit(edgecnn, tiny_networks, tmp_path_factory):
    """What `device fit local` said; its fit lies in a cache of this file's own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        patch.setattr(fitting, "micro_networks", lambda *_: tiny_networks(STACKS))
        patch.setattr(fitting, "PASSES", 1)
        yield edgecnn("device", "fit", "local", "--precision", "fp32", "--json")


def test_a_fit_is_kept_and_said_with_its_held_out_error(fit):
    assert fit.code == 0, fit.err
    (found,) = fit.json["fits"]
    assert (found["target"], found["precision"], found["networks"]) == ("host", "fp32", 1 + STACKS)
    assert len(found["errors"]) == STACKS
    kept = fits.find("local", "fp32")
    assert (kept.median_error, list(kept.band)) == (found["median_error"], found["band"])
    assert len(list(fits.folder().iterdir())) == 1


def test_a_fitted_device_predicts_with_band_and_source(edgecnn, fit):
    said = edgecnn("profile", "lenet", "--device", "local", "--layers").out
    assert "latency on host, fp32, 1 thread, predicted:" in said
    assert "9 of 10 between" in said
    assert f"fitted on {1 + STACKS} micro-networks on local" in said
    assert "outside what was fitted: AVERAGE_POOL_2D was not fitted" in said
    found = edgecnn("profile", "lenet", "--device", "local", "--json").json["latency"]
    low, high = found["band_s"]
    assert (found["kind"], low <= found["latency_s"] <= high) == ("predicted", True)
    summed = found["per_inference_s"] + sum(layer["latency_s"] for layer in found["layers"])
    assert summed == pytest.approx(found["latency_s"])


def test_a_board_that_was_not_fitted_has_a_roofline(edgecnn, fit):
    said = edgecnn("profile", "lenet", "--device", "pi4").out
    assert "latency on pi4, fp32, predicted: at least " in said
    assert "predicted by: roofline from the profile: a lower bound" in said


def test_a_network_is_predicted_in_the_precision_that_it_would_run_in(edgecnn, fit):
    floats, ints = (
        edgecnn("profile", "lenet", "--device", "pi4", *flag, "--json").json for flag in ((), ("--int8",))
    )
    assert (floats["latency"]["precision"], ints["latency"]["precision"]) == ("fp32", "int8")
    # a quarter of the bytes, twice the rate: see `edgecnn describe pi4`
    assert (
        floats["latency"]["latency_s"] / 4
        <= ints["latency"]["latency_s"]
        <= floats["latency"]["latency_s"] / 2
    )
    said = edgecnn("profile", "lenet", "--device", "pi4", "--fp16").complaint
    assert said.startswith(
        "pi4 cannot run fp16: the Cortex-A72 has no half-precision arithmetic; give --int8"
    )


def test_a_network_in_int8_is_not_predicted_in_another_precision(edgecnn, fit, tmp_path):
    assert (
        edgecnn(
            "export", "lenet", "--target", "pi4", "--int8", "--calibrate", "digits", "-o", tmp_path / "b"
        ).code
        == 0
    )
    file = tmp_path / "b" / "model.tflite"
    said = edgecnn("profile", file, "--device", "pi4", "--fp16").complaint
    assert said == f"{file} computes in int8 and cannot be predicted in fp16; leave --fp16 out"


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--int8"], "--int8 is of the prediction; give --device, too"),
        (["--device", "pi4", "--int8", "--fp16"], "--fp16 and --int8 exclude each other"),
    ],
)
def test_a_precision_that_says_nothing_is_wrong_usage(edgecnn, words, complaint):
    ran = edgecnn("profile", "lenet", *words)
    assert ran.code == 2
    assert complaint in ran.err


def test_other_threads_than_fitted_are_refused(edgecnn, fit):
    said = edgecnn("profile", "lenet", "--device", "local", "--threads", "2").complaint
    assert said == "a roofline knows no threads; leave --threads out, or fit local with 2"


def test_threads_without_a_device_are_wrong_usage(edgecnn):
    assert edgecnn("profile", "lenet", "--threads", "2").code == 2


def test_pruning_to_a_latency_takes_the_prediction_where_the_target_was_fitted(edgecnn, fit, onnx, tmp_path):
    one_rate = dict.fromkeys(("convolution/mult_adds", "fully connected/mult_adds"), 1e-10)
    board = replace(fits.find("local", "fp32"), device="ssh://pi@board", target="pi4", seconds=one_rate)
    fits.keep(board)
    out = tmp_path / "small.onnx"
    ran = edgecnn("compress", onnx, "--recipe", "prune(latency=0.7)", "--target", "pi4", "-o", out)
    assert ran.code == 0, ran.err
    assert "note: latency on pi4 is predicted, fitted on ssh://pi@board" in ran.err
    assert "of the latency kept" in ran.out
    before, after = (
        edgecnn("profile", each, "--device", "pi4", "--json").json["latency"] for each in (onnx, out)
    )
    assert before["method"].startswith(f"fitted on {1 + STACKS} micro-networks on ssh://pi@board")
    assert 0 < after["latency_s"] <= 0.7 * before["latency_s"]


def test_a_device_that_cannot_be_fitted_is_refused_before_any_work(edgecnn):
    said = edgecnn("device", "fit", "emulated:pi4").complaint
    assert "emulated:pi4" in said
    said = edgecnn("device", "fit", "ssh://nobody@nowhere", "--as", "cortex-m7").complaint
    assert said.startswith("cortex-m7 does not run LiteRT or TensorRT")
