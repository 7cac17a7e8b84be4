"""`edgecnn eval`: what it shows of one network or several, on pictures with classes, with masks, without."""

import csv
import re
import time

import numpy as np
import pytest
from PIL import Image

from edgecnn.evaluate import wilson

DIGITS = ("--data", "digits")
UNET = "unet(padding=same, width=0.0625, res=16, classes=4, in_channels=3)"


@pytest.fixture(scope="module")
def unlabelled(tmp_path_factory):
    folder = tmp_path_factory.mktemp("unlabelled")
    rng = np.random.default_rng(0)
    for index in range(10):
        Image.fromarray(rng.integers(0, 256, (8, 8), np.uint8)).save(folder / f"{index}.png")
    return folder


def test_json_has_intervals_classes_confusion_and_comparisons(edgecnn, trained):
    found = edgecnn("eval", trained / "run", trained / "bundle", *DIGITS, "--json").json
    metrics = found["metrics"]
    right = round(metrics["top1"] * 355)
    assert metrics["top1_interval"] == list(wilson(right, 355))
    assert found["confidence"] == 0.95
    for row in found["results"]:
        assert [each["class"] for each in row["per_class"]] == [str(digit) for digit in range(10)]
        assert sum(each["n"] for each in row["per_class"]) == 355
        hits = [each["n"] for each in row["confusion"] if each["class"] == each["named"]]
        assert (sum(hits), sum(each["n"] for each in row["confusion"])) == (right, 355)
        assert row["notes"] == []
    (pair,) = found["comparisons"]
    assert (pair["first"], pair["other"]) == (str(trained / "run"), str(trained / "bundle"))
    assert (pair["differs_on"], pair["agreement"], pair["difference"]["p_value"]) == (0, 1, 1)


def test_the_tables_are_shown_where_asked_for(edgecnn, trained):
    one = edgecnn("eval", trained / "run", *DIGITS).out
    asked = edgecnn("eval", trained / "run", *DIGITS, "--per-class", "--confusion", "--intervals").out
    assert len(one.splitlines()) == 3
    assert re.search(r"\d\d\.\d\d% \(\d\d\.\d\d% to \d\d\.\d\d%\)", asked.splitlines()[2])
    title, heads, *rows = asked.split("\n\n")[1].splitlines()
    assert title == f"classes of {trained / 'run'}, measured, with 95 % intervals"
    assert heads.split() == ["class", "images", "named", "so", "recall", "precision"]
    assert [row.split()[0] for row in rows] == [str(digit) for digit in range(10)]
    matrix = [line.split() for line in asked.split("\n\n")[2].splitlines()[2:]]
    assert sum(int(cell) for row in matrix for cell in row[1:]) == 355


def test_two_networks_are_tested_as_pairs(edgecnn, trained):
    given = ("eval", trained / "run", trained / "bundle" / "model.onnx", *DIGITS)
    lines = edgecnn(*given, "--compare").out.split("\n\n")[1].splitlines()
    assert lines[0] == f"{trained / 'bundle' / 'model.onnx'} against {trained / 'run'}, measured"
    assert lines[1].split() == ["images", "355"]
    assert lines[-1].split("  ")[0] == "McNemar's exact test"
    assert lines[-1].endswith("p = 1")
    assert "against" not in edgecnn(*given).out


def test_the_answers_are_written_to_a_file(edgecnn, trained, tmp_path):
    file = tmp_path / "new" / "answers.csv"
    given = ("eval", trained / "run", trained / "bundle", *DIGITS, "--csv", file)
    top1 = edgecnn(*given, "--json").json["metrics"]["top1"]
    with file.open(newline="") as text:
        rows = list(csv.DictReader(text))
    assert [int(row["picture"]) for row in rows] == [*range(355), *range(355)]
    of_run = [row for row in rows if row["model"] == str(trained / "run")]
    assert sum(row["rank"] == "1" for row in of_run) == sum(row["class"] == row["named"] for row in of_run)
    assert sum(row["rank"] == "1" for row in of_run) / 355 == top1
    assert "--force to replace it" in edgecnn(*given).complaint
    assert edgecnn(*given, "--force").code == 0


def test_pictures_with_masks_give_iou_and_dice(edgecnn, tmp_path):
    file = tmp_path / "dice.csv"
    ran = edgecnn(
        "eval", UNET, UNET, "--data", "shapes", "--per-class", "--confusion", "--compare", "--csv", file
    )
    assert ran.code == 0, ran.err
    assert ran.out.splitlines()[0] == "segmentation on shapes (held-out), measured, with 95 % intervals"
    for words in ("pixel accuracy", "mean IoU", "mean Dice", "sign-flip test", "(pixels, a row for each"):
        assert words in ran.out
    scores = [float(line.rpartition(",")[2]) for line in file.read_text().splitlines()[1:]]
    assert all(0 <= score <= 1 for score in scores)
    found = edgecnn("eval", UNET, "--data", "shapes", "--json").json
    assert set(found["metrics"]) >= {"kind", "n", "pixel_accuracy", "mean_iou", "dice", "dice_interval"}
    assert len(scores) == 2 * found["metrics"]["n"]
    assert {"iou", "dice", "iou_interval"} <= set(found["results"][0]["per_class"][0])


def test_without_labels_networks_are_compared_and_one_is_refused(edgecnn, trained, unlabelled, tmp_path):
    both = ("eval", trained / "run", trained / "bundle", "--data", unlabelled)
    out = edgecnn(*both, "--csv", tmp_path / "a.csv").out
    assert out.splitlines()[0] == f"answers on {unlabelled} (held-out), measured"
    assert re.search(r"agreement +100.00% \(\d\d", out)
    found = edgecnn(*both, "--json").json
    assert found["comparisons"][0]["agreement"] == 1
    assert "difference" not in found["comparisons"][0]
    assert len((tmp_path / "a.csv").read_text().splitlines()) == 1 + 2 * found["metrics"]["n"]
    complaint = edgecnn("eval", trained / "run", "--data", unlabelled).complaint
    assert "no classes and no masks" in complaint
    assert "two models or more" in complaint
    assert "leave out --per-class" in edgecnn(*both, "--per-class").complaint


def test_weights_are_for_the_network_that_is_named_and_not_for_its_bundle(edgecnn, trained):
    spec = edgecnn("eval", trained / "run", *DIGITS, "--json").json
    named = ("lenet", "--classes", "10", "--weights", trained / "run")
    found = edgecnn("eval", trained / "bundle", *named, *DIGITS, "--json").json
    assert [row["metrics"]["top1"] for row in found["results"]] == [spec["metrics"]["top1"]] * 2
    refused = edgecnn("eval", trained / "bundle", trained / "run", "--weights", trained / "run", *DIGITS)
    assert "leave out --weights" in refused.complaint


REFUSED = {
    "one to compare": (["eval", "lenet", *DIGITS, "--compare"], "--compare takes two models or more"),
    "maps for classes": (["eval", UNET, *DIGITS], "not one score for each class"),
    "classes for masks": (
        ["eval", "lenet", "--data", "shapes"],
        "has masks; give a network that scores each",
    ),
    "other classes": (["eval", "mobilenet(res=16)", "lenet", *DIGITS, "--classes", "3"], "3 outputs, but"),
    "the second of two": (["eval", "lenet", UNET, *DIGITS], f"{UNET}: the network gives"),
    "layout of a network": (["eval", "lenet", *DIGITS, "--layout", "NHWC"], "leave out --layout"),
}


@pytest.mark.parametrize(("arguments", "sentence"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_measured_is_refused_in_one_sentence(edgecnn, arguments, sentence):
    assert sentence in edgecnn(*arguments).complaint


def test_a_long_evaluation_says_how_far_it_is(edgecnn, monkeypatch):
    clock = iter(range(0, 100, 2))
    monkeypatch.setattr(time, "perf_counter", lambda: float(next(clock)))
    from edgecnn.cli.evaluate import _reporter

    said = []
    report = _reporter(said.append, "net")
    for done in range(10, 60, 10):  # at 0, 2, 4, ... seconds; a line after every 3
        report(done, 110)
    assert said == [
        "net: 30 of 110 images  5 images/s  16 s left",
        "net: 50 of 110 images  5 images/s  12 s left",
    ]
