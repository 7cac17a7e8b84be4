import json

import numpy as np
import onnx_ir as ir
import pytest

from edgecnn import devices
from edgecnn.calls import parse_recipe
from edgecnn.data import Dataset
from edgecnn.errors import EdgeCnnError
from edgecnn.evaluate import Answers, measure
from edgecnn.pipeline.deploy import deploy
from edgecnn.pipeline.ladder import doubt, recipes, score
from edgecnn.pipeline.quantization import Quantization
from edgecnn.runtime.litert_runner import LitertRunner

LABELS = np.arange(100) % 4


def metrics(wrong: int):
    """Of a network that is wrong on the first pictures."""
    named = np.where(np.arange(100) < wrong, (LABELS + 1) % 4, LABELS)
    return measure(np.eye(4)[named], LABELS)


def test_with_labels_the_drop_is_that_of_top_1_with_the_interval_of_pairs():
    found = score(metrics(wrong=10), metrics(wrong=13))
    assert (found.what, found.n) == ("top-1", 100)
    assert found.value == pytest.approx(0.87)
    assert found.drop_points == pytest.approx(100 * (13 - 10) / 100)
    assert found.low_points < 3 < found.high_points


def test_without_labels_it_is_what_the_float_network_would_not_have_answered():
    answers = [Answers(predicted=named) for named in (LABELS, np.where(np.arange(100) < 2, 3, LABELS))]
    found = score(*answers)
    assert (found.what, found.drop_points) == ("agreement", pytest.approx(2))
    assert found.low_points < 2 < found.high_points


def test_a_better_network_has_lost_less_than_nothing():
    assert score(metrics(wrong=10), metrics(wrong=8)).drop_points == pytest.approx(-2)


@pytest.mark.parametrize(
    ("activation", "equalization"), [("Relu(x)", "equalize"), ("Clip(x, low, high)", "equalize_clipped")]
)
def test_every_rung_keeps_the_rest_of_the_recipe_and_the_settings(activation, equalization):
    graph = ir.from_onnx_text(f"""<ir_version: 7, opset_import: ["" : 13]>
    g (float[1,4] x) => (float[1,4] y) <float low = {{0.0}}, float high = {{6.0}}> {{ y = {activation} }}""")
    calls = parse_recipe("fold | int8(allow_float=LRN)")
    found = texts(recipes(graph, calls, devices.find("pi4")))
    assert found[0] == "fold | int8(allow_float=LRN)"
    assert "fold | int8(allow_float=LRN, observer=minmax)" in found
    assert f"fold | {equalization} | int8(allow_float=LRN) | correct_bias" in found
    assert "fold | int8(allow_float=LRN) | mixed(float_layers=1) | correct_bias" in found
    assert len(found) == len(set(found))


def texts(found):
    return [" | ".join(map(str, recipe)) for recipe in found]


HALF = {
    "jetson-orin-nano": ("fold | int8 | mixed(float_layers=1) | correct_bias | fp16", "fold | fp16"),
    # TensorRT 8.2 reads no weight behind a Cast, so that float layers stay float32 in the graph.
    "jetson-xavier-nx": ("fold | int8 | mixed(float_layers=1) | correct_bias", "fold | fp16"),
    "jetson": ("fold | int8 | mixed(float_layers=1) | correct_bias", "fold | fp16"),
    "pi4": ("fold | int8 | mixed(float_layers=1) | correct_bias", None),
}


@pytest.mark.parametrize(("target", "rungs"), HALF.items(), ids=HALF)
def test_where_a_board_has_float16_that_is_what_leaves_int8_and_the_last_rung(target, rungs):
    graph = ir.from_onnx_text("""<ir_version: 7, opset_import: ["" : 13]>
    g (float[1,4] x) => (float[1,4] y) { y = Relu(x) }""")
    found = texts(recipes(graph, parse_recipe("fold | int8"), devices.find(target)))
    mixed, last = rungs
    assert [text for text in found if "mixed(float_layers=1)" in text] == [mixed]
    assert [text for text in found if text == "fold | fp16"] == [last] * bool(last)
    assert (found[-1] == last) == bool(last)
    given = texts(recipes(graph, parse_recipe("fold | int8 | fp16"), devices.find(target)))
    assert all(text.count("fp16") == 1 for text in given)


@pytest.mark.parametrize(
    ("asked", "recipe", "sentence"),
    [
        ({"max_drop": 0.5}, "fold", "add --int8"),
        ({"max_drop": 0.5, "int8": True}, "int8", "leave out int8 in the recipe"),
        ({"max_drop": 0.5, "int8": True, "observer": "mse"}, "fold", "leave out --observer"),
        ({"data": "digits", "int8": True}, "fold", "give --max-drop POINTS, too"),
    ],
    ids=["no int8", "a recipe of one's own", "an observer", "nothing to measure"],
)
def test_flags_that_contradict_each_other_are_refused(asked, recipe, sentence):
    with pytest.raises(EdgeCnnError, match=sentence):
        Quantization(**asked).calls(recipe)


@pytest.mark.parametrize("asked", [{}, {"int8": True}], ids=["recipe alone", "and --int8"])
def test_a_pass_for_int8_graphs_asks_for_int8_with_the_settings_of_the_flags(asked):
    calls = Quantization(calibrate="digits", observer="mse", **asked).calls("correct_bias")
    assert [str(call) for call in calls] == ["fold", "int8(observer=mse)", "correct_bias"]


@pytest.mark.parametrize("value", [-1, 101, float("nan")])
def test_a_drop_that_cannot_be_is_refused(value):
    with pytest.raises(EdgeCnnError, match="0 to 100"):
        Quantization(int8=True, max_drop=value)


def test_the_bundle_is_made_by_the_cheapest_recipe_that_keeps_enough(tmp_path):
    asked = Quantization(int8=True, calibrate="digits", calibrate_images=32, max_drop=100)
    made = deploy("lenet", "pi4", out=tmp_path / "b", res=28, quantization=asked)
    assert [rung.text for rung in made.ladder] == ["fold | int8"]
    assert made.to_json()["ladder"][0]["kind"] == "measured"
    assert made.ladder[0].score.n > 300  # the held-out digits
    assert (made.ladder[0].precision, made.ladder[0].score.runtime) == ("int8", "LiteRT")


def test_on_litert_the_answers_are_those_of_the_file_that_ships(tmp_path, monkeypatch):
    """A file that always names the last class is scored by that, whatever its graph would answer."""

    class Last(LitertRunner):
        def __call__(self, batch):
            return super().__call__(batch) * 0 + np.arange(10, dtype=np.float32)

    seen = []
    monkeypatch.setattr("edgecnn.runtime.litert_runner.LitertRunner", Last)
    monkeypatch.setattr("edgecnn.pipeline.ladder.rungs", lambda **_which: (parse_recipe("int8"),))
    kept = score
    monkeypatch.setattr(
        "edgecnn.pipeline.ladder.score", lambda one, other: seen.append(other) or kept(one, other)
    )
    asked = Quantization(int8=True, calibrate="digits", calibrate_images=8, max_drop=100)
    with pytest.raises(EdgeCnnError, match="model.tflite"):  # which then fails the comparison of outputs
        deploy("lenet", "pi4", out=tmp_path / "b", res=28, quantization=asked)
    assert set(seen[0].predicted) == {9}


def test_int8_that_became_float16_says_so_and_is_named_so(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    scores = iter([9, 0])
    monkeypatch.setattr(
        "edgecnn.pipeline.ladder.rungs", lambda **_which: (parse_recipe("int8"), parse_recipe("fp16"))
    )
    worse = {lost: score(metrics(wrong=1), metrics(wrong=1 + lost)) for lost in (0, 9)}
    monkeypatch.setattr("edgecnn.pipeline.ladder.score", lambda _reference, _found: worse[next(scores)])
    asked = Quantization(int8=True, calibrate="digits", calibrate_images=8, max_drop=0)
    made = deploy("lenet", "jetson", res=28, quantization=asked)
    assert [rung.precision for rung in made.ladder] == ["int8", "fp16"]
    assert any(note.startswith("asked for int8, got fp16") for note in made.notes)
    assert not any("model.int8.onnx" in note for note in made.notes)
    assert "-fp16.jetson" in made.path.name
    manifest = json.loads((made.path / "manifest.json").read_text())
    assert {each["precision"] for each in manifest["artifacts"]} == {"fp16"}


def test_where_no_recipe_keeps_enough_nothing_is_written(tmp_path, monkeypatch):
    short = (parse_recipe("int8"), parse_recipe("int8 | correct_bias"))
    monkeypatch.setattr("edgecnn.pipeline.ladder.rungs", lambda **_which: short)
    asked = Quantization(int8=True, calibrate="digits", calibrate_images=8, max_drop=0)
    worse = score(metrics(wrong=1), metrics(wrong=9))
    monkeypatch.setattr("edgecnn.pipeline.ladder.score", lambda _reference, _found: worse)
    with pytest.raises(EdgeCnnError, match="none of 2 recipes .*--max-drop 8"):
        deploy("lenet", "pi4", out=tmp_path / "b", res=28, quantization=asked)
    assert not (tmp_path / "b").exists()


@pytest.mark.parametrize(("wrong", "doubted"), [(70, True), (60, False)], ids=["guesses", "knows"])
def test_a_float_network_that_guesses_is_worth_a_word(wrong, doubted):
    """Of four classes a guess gets 25 right of 100; 30 are within chance of that, 40 are not."""
    images = np.zeros((1, 2, 2, 1), np.uint8)
    names = ("a", "b", "c", "d")
    dataset = Dataset(name="d", split="held-out", images=images, labels=np.zeros(1, int), class_names=names)
    said = doubt(metrics(wrong), dataset)
    assert bool(said) == doubted
    assert all("30.00 % of the pictures, as one that guesses" in note for note in said)
