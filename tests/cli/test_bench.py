"""`edgecnn bench` and `edgecnn verify --device` on this machine."""

import json

import numpy as np
import pytest

from edgecnn.devices.results import read_results
from edgecnn.errors import EdgeCnnError


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    from edgecnn.pipeline.deploy import deploy

    return deploy("lenet", "pi4", out=tmp_path_factory.mktemp("bench") / "lenet").path


def test_bundles_and_threads_take_turns_and_results_are_kept(edgecnn, bundle, tmp_path):
    out, plot = tmp_path / "results.jsonl", tmp_path / "plot.svg"
    arguments = ("bench", str(bundle), "--threads", "1,2", "--runs", "6", "--rounds", "2", "--json")
    ran = edgecnn(*arguments, "-o", str(out), "--plot", str(plot))
    assert ran.code == 0, ran.err
    found = json.loads(ran.out)["measurements"]
    assert [(each["environment"]["threads"], len(each["times_s"]), each["kind"]) for each in found] == [
        (1, 6, "measured"),
        (2, 6, "measured"),
    ]
    assert {"median_s", "p90_s", "p99_s", "times_s", "environment", "kind"} <= set(found[0])
    assert [each.to_json() for each in read_results(out)] == found
    assert plot.read_text().startswith("<svg")
    assert ran.err.splitlines()[0] == "[1/5] verify lenet"


def test_the_table_says_what_was_measured_and_where(edgecnn, bundle):
    ran = edgecnn("bench", str(bundle), "--runs", "3", "--rounds", "1")
    assert ran.out.startswith("latency of one inference, measured on local: ")
    assert "a time is the runtime's call alone" in ran.out
    assert "LiteRT's Python interface gives no times by layer" in ran.out


def test_a_tflite_file_is_measured_after_comparing_with_this_host(edgecnn, bundle):
    file = str(bundle / "model.tflite")
    found = json.loads(edgecnn("bench", file, "--runs", "2", "--rounds", "1", "--json").out)["measurements"]
    assert [(each["name"], each["mult_adds"], each["precision"]) for each in found] == [
        ("model.tflite", 416_520, "fp32")
    ]


def test_a_bundle_is_verified_on_a_device(edgecnn, bundle):
    checks = json.loads(edgecnn("verify", str(bundle), "--device", "local", "--json").out)["checks"]
    assert checks[-1]["detail"] == "identical bytes"


def test_what_was_measured_is_told_where_it_cannot_be_written(edgecnn, bundle, tmp_path, monkeypatch):
    def full(*_):
        raise EdgeCnnError("cannot write results.jsonl: no space left on device")

    monkeypatch.setattr("edgecnn.devices.results.append_results", full)
    ran = edgecnn(
        "bench", str(bundle), "--runs", "2", "--rounds", "1", "--json", "-o", str(tmp_path / "results.jsonl")
    )
    assert ran.code == 1
    assert len(json.loads(ran.out)["measurements"][0]["times_s"]) == 2
    assert ran.err.splitlines()[-1] == "edgecnn: error: cannot write results.jsonl: no space left on device"


@pytest.mark.parametrize("given", ["1" * 5000, "1,", "", "1,-1", "1.5"], ids=lambda given: given[:9])
def test_threads_are_whole_numbers(edgecnn, bundle, given):
    ran = edgecnn("bench", str(bundle), "--threads", given)
    assert (ran.code, ran.out) == (2, "")
    assert "is not whole numbers joined by commas" in ran.err


def test_a_file_that_is_no_tflite_file_is_named(edgecnn, tmp_path):
    (tmp_path / "notes.tflite").write_bytes(b"dear diary")
    ran = edgecnn("bench", str(tmp_path / "notes.tflite"))
    assert (ran.code, ran.out) == (1, "")
    assert "notes.tflite: the model is no .tflite file" in ran.err


def test_a_device_of_no_name_is_not_this_host(edgecnn, bundle):
    ran = edgecnn("verify", str(bundle), "--device", "")
    assert (ran.code, ran.out) == (1, "")
    assert "'' is no device that can be reached" in ran.err


def test_wrong_outputs_have_no_latency(edgecnn, bundle, tmp_path):
    import shutil

    from edgecnn.export.bundle import manifest_bytes

    broken = tmp_path / "broken"
    shutil.copytree(bundle, broken)
    sample = broken / "sample" / "output.npy"
    np.save(sample, np.load(sample) + np.float32(10))
    names = [path.relative_to(broken).as_posix() for path in broken.rglob("*") if path.is_file()]
    files = {name: (broken / name).read_bytes() for name in names if name != "manifest.json"}
    manifest = json.loads((broken / "manifest.json").read_text())
    del manifest["sha256"]
    (broken / "manifest.json").write_bytes(manifest_bytes(manifest, files))
    ran = edgecnn("bench", str(broken), "-o", str(tmp_path / "results.jsonl"))
    assert (ran.code, ran.out) == (1, "")
    assert "local: 1 of 7 checks failed: outputs of fp32" in ran.err
    assert not (tmp_path / "results.jsonl").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("mobilenet",), "export it first: edgecnn export mobilenet --target TARGET"),
        (("{bundle}/model.onnx",), "is a graph: export it first"),
        (("{bundle}/run.py",), "is no bundle and no .tflite file"),
        (("{bundle}", "--device", "pi4"), "pi4 is a profile: give the board itself"),
        (("{bundle}", "--device", "ssh://-oProxyCommand=x"), "no device that can be reached"),
        (("{bundle}", "--python", "python3;reboot"), "no path of letters"),
        (("{bundle}", "--python", "/nowhere/python"), "there is no such Python; name one with --python PATH"),
        (("{bundle}", "--runs", "0"), "runs=0 is not a whole number from 1"),
        (("{bundle}", "--threads", "0"), "threads=0 is not a whole number from 1"),
        (("{bundle}", "--threads", "2,2"), "threads 2, 2: give one number or several, each once"),
        (("{bundle}", "--precision", "fp16"), "the bundle has no fp16 artifact; it has fp32"),
        (("{bundle}", "-o", "{bundle}/run.py"), "is no measurement"),
        (("{bundle}", "--plot", "x.pdf"), "cannot draw 'x.pdf'"),
        (("{bundle}", "--plot", "{bundle}/run.py/x.svg"), "run.py is a file; choose another place"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_what_cannot_be_measured_is_one_sentence(edgecnn, bundle, arguments, said):
    ran = edgecnn("bench", *(word.format(bundle=bundle) for word in arguments))
    assert (ran.code, ran.out) == (1, "")
    assert said in ran.err.splitlines()[-1]


def test_only_an_emulated_device_is_created(edgecnn):
    ran = edgecnn("device", "create", "ssh://pi@host")
    assert (ran.code, ran.out) == (1, "")
    assert "is not emulated" in ran.err
