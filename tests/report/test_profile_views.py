import csv
import io
import json

import numpy as np
import onnx_ir as ir
import pytest

import edgecnn
from edgecnn.graph import shapes
from edgecnn.profile import profile
from edgecnn.report import profile_views


@pytest.fixture(scope="module")
def lenet():
    return edgecnn.costs("lenet")


@pytest.fixture
def unknown():
    body = "g (float[1,2,4,4] x) => (float[1,2,4,4] y) { a = Cos(x) y = Relu(a) }"
    return profile(shapes.infer(ir.from_onnx_text(f'<ir_version: 7, opset_import: ["" : 13]> {body}')))


def read(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_the_totals_are_shown_rounded_and_exact(lenet, capsys):
    profile_views.print_profile("lenet()", lenet)
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines[0] == ["lenet()"]
    assert ["mult-adds", "416.52", "k", "416,520"] in lines
    assert ["parameters", "61.71", "k", "61,706"] in lines
    assert ["peak", "activations", "36.75", "KiB", f"{4 * 2 * 6 * 28**2:,}", "B"] in lines
    assert ["receptive", "field", "16", "px"] in lines
    assert ["stride", "4", "px"] in lines


def test_layers_are_shown_one_a_line(lenet, capsys):
    profile_views.print_profile("lenet()", lenet, layers=True)
    lines = capsys.readouterr().out.splitlines()
    assert lines[2].split()[:6] == ["features.0", "Conv", "5x5", "1x6x28x28", "117.60", "k"]
    assert len(lines) == 2 + 12 + 1 + 1 + 7


def test_shares_are_shown_in_percent(lenet, capsys):
    profile_views.print_profile("lenet()", lenet, by="kind")
    conv = capsys.readouterr().out.splitlines()[2].split()
    share = (28**2 * 25 * 6 + 10**2 * 25 * 6 * 16) / 416_520
    assert conv[:6] == ["Conv", "5x5", "2", "357.60", "k", f"{100 * share:.2f}%"]


def test_what_is_unknown_is_said_and_never_zero(unknown, capsys):
    profile_views.print_profile("g", unknown, layers=True)
    out = capsys.readouterr().out
    assert "not counted, their mult-adds are unknown: Cos" in out
    assert next(line for line in out.splitlines() if line.startswith("a ")).split()[3] == "unknown"
    cosine, relu = read(profile_views.to_csv(unknown))
    assert (cosine["mult_adds"], relu["mult_adds"]) == ("", "0")
    assert (cosine["receptive_field_least"], cosine["arithmetic_intensity"]) == ("", "")
    group = profile_views.to_json("g", unknown, "kind")["groups"][0]
    assert (group["name"], group["mult_adds"], group["mult_adds_share"]) == ("Cos", None, None)


def test_csv_says_the_same_as_json(lenet):
    rows, layers = read(profile_views.to_csv(lenet)), lenet.to_json()["layers"]
    assert [int(row["mult_adds"]) for row in rows] == [layer["mult_adds"] for layer in layers]
    assert [row["shape"] for row in rows] == ["x".join(map(str, layer["shape"])) for layer in layers]
    assert [row["name"] for row in rows] == [layer["name"] for layer in layers]
    fields = [(row["receptive_field_least"], row["receptive_field_greatest"]) for row in rows]
    assert fields[2] == ("6", "6")
    assert fields[-1] == ("", "")


@pytest.mark.parametrize("by", ["kind", "block"])
def test_csv_of_shares_adds_up(lenet, by):
    rows = read(profile_views.to_csv(lenet, by))
    assert sum(int(row["mult_adds"]) for row in rows) == lenet.mult_adds
    assert sum(int(row["parameters"]) for row in rows) == lenet.parameters


def test_json_has_groups_where_they_are_asked_for(lenet):
    assert "groups" not in profile_views.to_json("lenet()", lenet)
    data = json.loads(json.dumps(profile_views.to_json("lenet()", lenet, "kind"), allow_nan=False))
    assert [group["name"] for group in data["groups"]][:2] == ["Conv 5x5", "Gemm"]
    assert data["model"] == "lenet()"


def test_a_share_of_nothing_is_no_fraction():
    text = '<ir_version: 7, opset_import: ["" : 13]> g (float[1,4] x) => (float[1,4] y) { y = Relu(x) }'
    data = profile_views.to_json("g", profile(shapes.infer(ir.from_onnx_text(text))), "kind")
    assert data["groups"][0]["mult_adds_share"] is None
    assert np.isfinite(data["totals"]["arithmetic_intensity"])
