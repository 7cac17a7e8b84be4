"""`--json`: exactly one object on stdout, with the keys that scripts rely on."""

import json
import subprocess
import sys

import pytest

from edgecnn.cli.main import COMMANDS
from edgecnn.devices import emulator

TOTALS = {"mult_adds", "parameters", "weight_bytes", "peak_activation_bytes", "receptive_field"}

# command: its arguments, from a folder with a run and a bundle and one to write to; the keys it has at least
CASES = {
    "list": (lambda _, out: [], {"items"}),
    "describe": (lambda _, out: ["mobilenet"], {"kind", "name", "summary"}),
    "profile": (lambda _, out: ["mobilenet", "--width", "0.25"], {"totals", "layers", "unknown_ops"}),
    "tables": (lambda _, out: [], {"tables"}),
    "train": (
        lambda _, out: ["lenet", "--data", "digits", "--epochs", "1", "-o", out], {"run", "model", "metrics"}
    ),
    "eval": (lambda has, out: [has / "run", has / "bundle", "--data", "digits"], {"metrics", "results"}),
    "compress": (
        lambda has, out: [has / "bundle" / "model.onnx", "--recipe", "fold", "-o", out], {"graph", "steps"}
    ),
    "sensitivity": (lambda has, out: [has / "run", "--pictures", "4"], {"model", "layers", "kind"}),
    "export": (
        lambda has, out: [has / "run", "--target", "jetson", "-o", out],
        {"bundle", "artifacts", "parity", "totals"},
    ),
    "verify": (lambda has, out: [has / "bundle"], {"ok", "checks"}),
    "bench": (lambda has, out: [has / "bundle", "--runs", "2", "--rounds", "1"], {"measurements"}),
    "device": (lambda _, out: ["create", "emulated:pi4"], {"device", "path"}),
    "sweep": (
        lambda _, out: ["lenet", "--width", "0.25", "--data", "digits", "--epochs", "1", "-o", out],
        {"sweep", "points", "front", "failed"},
    ),
    "report": (lambda has, out: [has / "run", "-o", out.with_suffix(".html")], {"report", "points", "front"}),
    "recommend": (
        lambda has, out: [has / "run", "--max-mult-adds", "50M"],
        {"recommended", "runners_up", "relax", "points"},
    ),
    "doctor": (lambda _, out: [], {"checks"}),
}  # fmt: skip


@pytest.fixture(scope="module")
def answers(edgecnn, trained, tmp_path_factory):
    """What each command said."""
    place = tmp_path_factory.mktemp("answers")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(place / "cache"))
        emulator.cache().mkdir(parents=True)
        (emulator.cache() / "ready").touch()  # nothing is fetched in a test
        return {
            command: edgecnn(command, *(CASES[command][0](trained, place / command)), "--json")
            for command in CASES
            if command in COMMANDS
        }


def test_every_command_is_looked_at():
    assert set(COMMANDS) <= set(CASES)


@pytest.mark.parametrize("command", COMMANDS)
def test_stdout_is_one_object_with_the_keys(answers, command):
    ran = answers[command]
    assert ran.code == 0, ran.err
    assert ran.out.startswith("{\n")
    assert ran.out.endswith("\n}\n")
    assert set(ran.json) >= CASES[command][1]


@pytest.mark.parametrize("command", COMMANDS)
def test_nothing_in_it_is_no_json(answers, command):
    def refuse(word):
        pytest.fail(f"{word} is no JSON")

    json.loads(answers[command].out, parse_constant=refuse)


def test_a_profile_has_totals_and_layers(answers):
    found = answers["profile"].json
    assert set(found["totals"]) >= TOTALS
    assert sum(layer["mult_adds"] or 0 for layer in found["layers"]) == found["totals"]["mult_adds"]


def test_metrics_name_what_was_measured(answers):
    for command in ("train", "eval"):
        metrics = answers[command].json["metrics"]
        assert metrics["kind"] == "measured"
        assert metrics["n"] == 355
        assert 0 <= metrics["top1"] <= metrics["top5"] <= 1


def test_an_export_lists_artifacts_and_hops(answers):
    found = answers["export"].json
    assert [set(each) for each in found["artifacts"]] == [{"path", "bytes", "sha256"}] * 2
    assert all(set(each) >= {"hop", "max_abs_error", "tolerance"} for each in found["parity"])
    assert set(found["totals"]) >= TOTALS
    assert found["host_latency"]["kind"] == "measured"


def test_a_step_says_what_it_matched(answers):
    (step,) = answers["compress"].json["steps"]
    assert set(step) >= {"pass", "matched", "totals", "agreement"}


def test_items_have_a_name_and_a_summary(answers):
    assert all(set(item) >= {"name", "summary", "kind"} for item in answers["list"].json["items"])


def test_progress_is_on_stderr_only(answers):
    assert answers["export"].err.splitlines() == [
        f"{stage} ..." for stage in ("build", "compress", "compile", "measure", "write")
    ]
    assert answers["train"].err.startswith("epoch 1/1  loss ")
    assert answers["compress"].err == "fold done\n"
    for command in ("list", "describe", "profile", "eval", "verify", "doctor"):
        assert answers[command].err == ""


def test_in_a_process_of_its_own_nothing_else_is_on_stdout(trained):
    command = [sys.executable, "-m", "edgecnn", "verify", str(trained / "bundle"), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["ok"] is True
    assert done.stderr == ""
