"""What the commands answer is right, and the same whichever way it is asked."""

import shutil
import subprocess
import sys

import pytest

DIGITS = ["--data", "digits"]


@pytest.fixture(scope="module")
def artifacts(trained):
    bundle = trained / "bundle"
    return [trained / "run", bundle, bundle / "model.onnx", bundle / "model.tflite"]


def contract(edgecnn, trained):
    import json

    given = json.loads((trained / "bundle" / "manifest.json").read_text())["preprocessing"]
    flags = {"--mean": given["mean"], "--std": given["std"]}
    return [
        *(text for flag, numbers in flags.items() for text in (flag, ",".join(map(str, numbers)))),
        *("--channel-order", given["channel_order"]),
    ]


def test_a_network_answers_the_same_on_every_runtime(edgecnn, artifacts):
    results = edgecnn("eval", *artifacts, *DIGITS, "--json").json["results"]
    assert [row["model"] for row in results] == list(map(str, artifacts))
    assert [row["differs_on"] for row in results] == [0, 0, 0, 0]
    assert len({row["metrics"]["top1"] for row in results}) == 1
    assert results[0]["metrics"]["top1"] > 0.5  # one epoch; a guess is right once in ten times


def test_the_table_has_a_row_for_each(edgecnn, artifacts):
    rows = edgecnn("eval", *artifacts, *DIGITS).out.splitlines()
    assert rows[0] == "accuracy on digits (held-out), measured"
    assert [row.split()[0] for row in rows[2:]] == list(map(str, artifacts))
    assert all(row.endswith("0 images") for row in rows[2:])


@pytest.mark.parametrize("name", ["model.tflite", "model.onnx"])
def test_a_file_that_stands_alone_needs_a_contract(edgecnn, trained, tmp_path, name):
    bare = tmp_path / name
    shutil.copy(trained / "bundle" / name, bare)
    complaint = edgecnn("eval", bare, *DIGITS).complaint
    assert complaint.endswith("give --mean, --std, --channel-order")
    ran = edgecnn("eval", bare, trained / "bundle", *DIGITS, *contract(edgecnn, trained), "--json")
    assert ran.code == 0, ran.err
    alone, bundled = ran.json["results"]
    assert alone["metrics"] == bundled["metrics"]
    assert bundled["differs_on"] == 0


BAD_CONTRACTS = {
    "channels": (
        ["--mean", "0,0,0", "--std", "1,1,1", "--channel-order", "RGB"],
        "the network takes 1 channel",
    ),
    "order": (["--mean", "0", "--std", "1", "--channel-order", "LL"], "channel_order"),
    "numbers": (["--mean", "0,0", "--std", "1", "--channel-order", "L"], "L has 1 channels"),
    "no number": (["--mean", "nan", "--std", "1", "--channel-order", "L"], "mean"),
    "no deviation": (["--mean", "0", "--std", "0", "--channel-order", "L"], "must be above 0"),
    "resize": (["--mean", "0", "--std", "1", "--channel-order", "L", "--resize", "zoom"], "resize"),
    "crop": (["--mean", "0", "--std", "1", "--channel-order", "L", "--crop", "0"], "crop=0.0"),
}


@pytest.mark.parametrize("name", ["model.tflite", "model.onnx"])
@pytest.mark.parametrize(("flags", "sentence"), BAD_CONTRACTS.values(), ids=BAD_CONTRACTS)
def test_a_contract_that_cannot_be_is_refused(edgecnn, trained, tmp_path, name, flags, sentence):
    shutil.copy(trained / "bundle" / name, tmp_path / name)
    assert sentence in edgecnn("eval", tmp_path / name, *DIGITS, *flags).complaint


def test_another_contract_gives_another_result(edgecnn, trained):
    given = ["eval", trained / "bundle", *DIGITS, "--json"]
    dark = edgecnn(*given, "--mean", "5").json["metrics"]["top1"]
    assert dark < edgecnn(*given).json["metrics"]["top1"]


def test_the_costs_of_a_file_are_those_of_the_network(edgecnn, onnx):
    of_file, of_spec = (edgecnn("profile", model, "--json").json for model in (onnx, "lenet"))
    assert of_file["totals"] == of_spec["totals"]
    assert [layer["mult_adds"] for layer in of_file["layers"]] == [
        layer["mult_adds"] for layer in of_spec["layers"]
    ]


def test_a_flag_wins_over_the_call(edgecnn):
    by_flag = edgecnn("profile", "mobilenet(width=0.5, res=64)", "--width", "0.25", "--json").json
    assert by_flag["totals"] == edgecnn("profile", "mobilenet(width=0.25, res=64)", "--json").json["totals"]


@pytest.fixture
def foreign(tmp_path):
    """A file of another tool: opset 17, an open batch, a convolution of 8 kernels of 3 x 3 x 3, BatchNorm."""
    import numpy as np
    from onnx import TensorProto, checker, helper, numpy_helper, save

    draw = np.random.default_rng(0)
    weights = {"w": draw.normal(size=(8, 3, 3, 3)), **{name: draw.uniform(1, 2, 8) for name in "gbmv"}}
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["c"]),
        helper.make_node("BatchNormalization", ["c", *"gbmv"], ["n"]),
        helper.make_node("Relu", ["n"], ["y"]),
    ]
    ends = [
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)]
        for name, shape in (("x", ["N", 3, 8, 8]), ("y", ["N", 8, 6, 6]))
    ]
    held = [numpy_helper.from_array(value.astype(np.float32), name) for name, value in weights.items()]
    model = helper.make_model(
        helper.make_graph(nodes, "foreign", *ends, held),
        opset_imports=[helper.make_opsetid("", 17)],
        ir_version=8,
    )
    checker.check_model(model, full_check=True)
    save(model, tmp_path / "foreign.onnx")
    return tmp_path / "foreign.onnx"


def test_a_foreign_file_is_folded(edgecnn, foreign, tmp_path):
    fixed, out = ("--input", "x:1x3x8x8"), tmp_path / "out" / "folded.onnx"
    ran = edgecnn("compress", foreign, "--recipe", "fold", *fixed, "-o", out, "--json")
    assert ran.code == 0, ran.err
    (step,) = ran.json["steps"]
    assert step["matched"] == 1
    # of every kernel its 27 weights; two numbers for each channel of BatchNorm before, one bias after
    assert edgecnn("profile", foreign, *fixed, "--json").json["totals"]["parameters"] == 8 * 27 + 8 * 2
    assert step["totals"]["parameters"] == 8 * 27 + 8
    assert edgecnn("profile", out, "--json").json["totals"] == step["totals"]
    assert step["totals"]["mult_adds"] == 6 * 6 * 8 * 27


@pytest.mark.parametrize("command", ["profile", "export", "compress", "eval"])
def test_an_open_dimension_is_named_with_what_fixes_it(edgecnn, foreign, tmp_path, command):
    more = {
        "profile": [],
        "export": ["--target", "pi4", "-o", tmp_path / "b"],
        "compress": ["--recipe", "fold", "-o", tmp_path / "o.onnx"],
        "eval": [*DIGITS, "--mean", "0,0,0", "--std", "1,1,1", "--channel-order", "RGB"],
    }[command]
    ran = edgecnn(command, foreign, *more)
    assert (ran.code == 1 and "1x3x224x224" in ran.complaint) or command == "eval"


def test_the_list_is_the_registries(edgecnn):
    from edgecnn.devices import TARGETS
    from edgecnn.models import ARCHITECTURES

    for kind, registry in (("models", ARCHITECTURES), ("targets", TARGETS)):
        assert [item["name"] for item in edgecnn("list", kind, "--json").json["items"]] == list(registry)


def test_the_data_sets_are_listed_with_the_formats_of_paths(edgecnn):
    from edgecnn.data import DATASETS, FORMATS

    items = edgecnn("list", "datasets", "--json").json["items"]
    assert [item["name"] for item in items] == [*DATASETS, *FORMATS]
    assert {item["kind"] for item in items} == {"datasets", "formats"}
    assert [item["name"] for item in edgecnn("list", "formats", "--json").json["items"]] == list(FORMATS)


def test_the_data_sets_are_listed_without_torch():
    code = (
        "import sys; from edgecnn.cli.main import cli; cli(['list', 'datasets'], standalone_mode=False);"
        "print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "False"


@pytest.mark.parametrize("name", ["lenet", "pi4", "fold", "digits", "npz"])
def test_everything_that_is_listed_is_described(edgecnn, name):
    ran = edgecnn("describe", name)
    assert ran.code == 0
    assert f"name {name}" in " ".join(ran.out.split())
    assert edgecnn("describe", name, "--json").json["name"] == name


def test_a_description_has_units(edgecnn):
    shown = " ".join(edgecnn("describe", "pi4").out.split())
    assert "clock hz: 1.50 GHz" in shown
    assert "memory bytes 1.00 GiB" in shown
    assert "peak mult adds per s fp32: 24.00 G/s" in shown


def test_a_description_says_which_figures_were_not_checked(edgecnn):
    ran = edgecnn("describe", "jetson-orin-nx")
    lines = [line.strip() for line in ran.out.splitlines() if "not checked: " in line]
    assert any(line.startswith("cpu: ") and "not checked: 2.0 GHz" in line for line in lines)
    sources = edgecnn("describe", "jetson-orin-nx", "--json").json["sources"]
    assert len(lines) == sum("not checked: " in source for source in sources.values()) > 1


def test_an_exports_table_says_what_is_measured_where(edgecnn, tmp_path):
    out = edgecnn("export", "lenet", "--target", "pi4", "-o", tmp_path / "b").out
    assert "weights     random weights (seed 0)\n" in out
    assert "parity of every hop, measured on this host\n" in out
    assert "artifacts; latency of one image measured on this host, not on pi4\n" in out
    assert out.endswith(f"bundle: {tmp_path / 'b'}\n")
    assert all(line == line.rstrip() for line in out.splitlines())
