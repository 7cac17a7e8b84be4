"""The flags of precision on a command line."""

import json

import pytest

FEW = ("--calibrate", "digits", "--calibrate-images", "40")


def test_an_int8_export_says_what_agrees(edgecnn, tmp_path):
    ran = edgecnn("export", "lenet", "--target", "pi4", "--int8", *FEW, "-o", tmp_path / "x")
    assert ran.code == 0, ran
    assert "same answer" in ran.out
    assert "of 40" in ran.out
    assert "note: int8: 5 layers in int8, 40 pictures, observer mse" in ran.out


def test_so_does_its_json(edgecnn, tmp_path):
    recipe = ("--recipe", "int8(observer=entropy)", "--calibrate", "digits", "--calibrate-images", "40")
    ran = edgecnn("export", "lenet", "--target", "pi4", *recipe, "-o", tmp_path / "x", "--json")
    hops = {hop["hop"]: hop for hop in ran.json["parity"]}
    assert hops["onnx → int8(observer=entropy)"]["agreement_n"] == 40
    assert "agreement" not in hops["onnx → fold"]


def test_a_trained_run_is_calibrated_with_what_it_was_trained_on(edgecnn, trained, tmp_path):
    ran = edgecnn("export", trained / "run", "--target", "pi4", "--int8", "-o", tmp_path / "x")
    assert ran.code == 0, ran
    assert "calibrated with training pictures of digits" in ran.out
    manifest = json.loads((tmp_path / "x/manifest.json").read_text())
    assert (manifest["calibration"]["data"], manifest["calibration"]["images"]) == ("digits", 200)


REFUSED = {
    "pictures": (("--int8",), "int8 needs pictures"),
    "number of pictures": (("--int8", "--calibrate", "digits", "--calibrate-images", "0"), "at least 1"),
    "type of the ends": (("--int8", *FEW, "--io", "int9"), "did you mean int8"),
    "data": (("--int8", "--calibrate", "digit"), "did you mean digits"),
    "path": (("--int8", "--calibrate", "no/such/folder"), "no file or folder"),
    "layout of what is no file": (("--int8", *FEW, "--layout", "NHWC"), "--layout is for an .onnx file"),
    "layout that does not exist": (("--layout", "CHWN"), "--layout is for an .onnx file"),
    "operator that has int8": (("--allow-float", "LRN"), "add --int8"),
}


@pytest.mark.parametrize(("flags", "message"), REFUSED.values(), ids=REFUSED)
def test_a_wrong_request_is_one_sentence(edgecnn, tmp_path, flags, message):
    ran = edgecnn("export", "lenet", "--target", "pi4", *flags, "-o", tmp_path / "x")
    assert message in ran.complaint
    assert list(tmp_path.iterdir()) == []
