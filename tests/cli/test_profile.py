import csv
import io

import pytest


@pytest.fixture(scope="module")
def file(trained):
    return trained / "bundle" / "model.tflite"


def test_json_has_totals_layers_and_unknown_operators(edgecnn):
    data = edgecnn("profile", "lenet", "--json").json
    assert data["totals"]["mult_adds"] == 416_520
    assert (data["unknown_ops"], "groups" in data) == ([], False)
    assert sum(layer["mult_adds"] for layer in data["layers"]) == 416_520


def test_a_tflite_file_has_a_planned_arena(edgecnn, file):
    data = edgecnn("profile", file, "--json").json
    assert data["model"] == "model.tflite"
    assert data["totals"]["arena_bytes"] >= data["totals"]["peak_activation_bytes"] > 0
    assert "planned arena" in edgecnn("profile", file).out
    assert "planned arena" not in edgecnn("profile", "lenet").out


def test_all_forms_of_a_network_have_the_same_mult_adds(edgecnn, trained, file):
    forms = (trained / "run", trained / "bundle", trained / "bundle" / "model.onnx", file)
    assert len({edgecnn("profile", form, "--json").json["totals"]["mult_adds"] for form in forms}) == 1


@pytest.mark.parametrize("by", ["kind", "block"])
def test_by_sums(edgecnn, by):
    groups = edgecnn("profile", "lenet", "--by", by, "--json").json["groups"]
    assert sum(group["mult_adds"] for group in groups) == 416_520
    shown = edgecnn("profile", "lenet", "--by", by).out
    assert all(group["name"] in shown for group in groups)


def test_csv_is_one_line_for_each_layer(edgecnn):
    ran = edgecnn("profile", "lenet", "--csv")
    rows = list(csv.DictReader(io.StringIO(ran.out)))
    assert (ran.code, len(rows)) == (0, 12)
    assert rows[0]["kind"] == "Conv 5x5"
    sums = list(csv.DictReader(io.StringIO(edgecnn("profile", "lenet", "--csv", "--by", "block").out)))
    assert [row["name"] for row in sums] == ["features", "flatten", "classifier"]


def test_a_plot_is_written_beside_the_table(edgecnn, tmp_path):
    ran = edgecnn("profile", "lenet", "--plot", tmp_path / "costs.svg", "--json")
    assert ran.json["totals"]["mult_adds"] == 416_520
    assert (tmp_path / "costs.svg").read_text().startswith("<svg")


def test_a_plot_of_another_form_is_refused_before_any_work(edgecnn, tmp_path):
    complaint = edgecnn("profile", tmp_path / "nothing.onnx", "--plot", tmp_path / "costs.jpg").complaint
    assert complaint == "cannot draw 'costs.jpg'; name the file costs.svg or costs.png or costs.html"


def test_csv_and_json_exclude_each_other(edgecnn):
    ran = edgecnn("profile", "lenet", "--csv", "--json")
    assert ran.code == 2
    assert "exclude each other" in ran.err


def test_a_tflite_file_takes_no_options_of_a_spec(edgecnn, file):
    assert "leave out --width" in edgecnn("profile", file, "--width", "0.5").complaint
    assert "leave it out" in edgecnn("profile", file, "--input", "input:1x1x8x8").complaint
