import json

import pytest
import torch

from edgecnn import run_folder
from edgecnn.errors import EdgeCnnError
from edgecnn.preprocessing import default_preprocessing
from edgecnn.run_folder import RunFolder
from edgecnn.spec import ModelSpec
from edgecnn.training_recipe import Recipe
from edgecnn.weights import read_weights

WEIGHTS = {"b.weight": torch.arange(6.0).reshape(2, 3), "a.bias": torch.ones(2)}
RUN = RunFolder(
    spec=ModelSpec.parse("mobilenet(width=0.25, res=32, classes=10, in_channels=1, body=shallow)"),
    data="digits",
    recipe=Recipe(epochs=3, lr=0.05),
    seed=4,
    preprocessing=default_preprocessing(1, 32, 32),
    class_names=("null", "eins", "zwölf"),
    versions={"edgecnn": "0.1.0", "torch": "2.13.0"},
    metrics={"kind": "measured", "n": 355, "top1": 0.98, "top5": 1.0},
    history=[{"epoch": 1, "loss": 0.5}],
)


@pytest.fixture
def folder(tmp_path):
    run_folder.write(tmp_path / "run", RUN, WEIGHTS)
    return tmp_path / "run"


def test_what_was_written_is_read_back(folder):
    found = run_folder.read(folder)
    assert {**vars(found), "path": None} == vars(RUN)
    assert found.path == folder
    weights = read_weights(found.weights)
    assert weights.keys() == WEIGHTS.keys()
    assert all(torch.equal(weights[name], WEIGHTS[name]) for name in WEIGHTS)


def test_it_holds_four_files_and_nothing_is_left_beside_it(folder):
    names = ["metrics.json", "run.json", "spec.json", "weights.safetensors"]
    assert sorted(path.name for path in folder.iterdir()) == names
    assert [path.name for path in folder.parent.iterdir()] == ["run"]


def test_the_same_run_gives_the_same_bytes(folder):
    run_folder.write(folder.parent / "again", RUN, dict(reversed(WEIGHTS.items())))
    for path in folder.iterdir():
        assert path.read_bytes() == (folder.parent / "again" / path.name).read_bytes()


def test_it_is_recognized_by_its_marker(folder):
    assert run_folder.is_run_folder(folder)
    assert not run_folder.is_run_folder(folder.parent)
    assert not run_folder.is_run_folder(folder / "run.json")


def test_an_existing_one_needs_force(folder):
    with pytest.raises(EdgeCnnError, match="--force"):
        run_folder.write(folder, RUN, WEIGHTS)
    run_folder.write(folder, RUN, {"a": torch.zeros(1)}, force=True)
    assert list(read_weights(folder)) == ["a"]


def test_force_replaces_nothing_but_a_run_folder(tmp_path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "a.jpg").touch()
    with pytest.raises(EdgeCnnError, match=r"photos holds no run\.json"):
        run_folder.write(tmp_path / "photos", RUN, WEIGHTS, force=True)


def test_what_is_no_folder_is_answered_with_the_command_that_makes_one(tmp_path):
    with pytest.raises(EdgeCnnError, match=r"there is no run folder .*x; `edgecnn train"):
        run_folder.read(tmp_path / "x")


@pytest.mark.parametrize("name", ["metrics.json", "run.json", "spec.json", "weights.safetensors"])
def test_a_missing_file_is_named(folder, name):
    (folder / name).unlink()
    with pytest.raises(EdgeCnnError, match=f"is not a whole run folder: it holds no {name}"):
        run_folder.read(folder)


@pytest.mark.parametrize("name", ["metrics.json", "run.json", "spec.json"])
@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b"\xff\xfe", b'"text"'], ids=repr)
def test_a_damaged_file_is_named(folder, name, content):
    (folder / name).write_bytes(content)
    with pytest.raises(EdgeCnnError, match=f"{name} is damaged"):
        run_folder.read(folder)


@pytest.mark.parametrize(
    ("name", "key", "value", "sentence"),
    [
        ("run.json", "format", 2, r"run\.json has format 2, this edgecnn reads 1"),
        ("run.json", "seed", "x", r"run\.json is damaged: seed is missing or malformed"),
        ("run.json", "class_names", "abc", "class_names is missing or malformed"),
        ("run.json", "recipe", {"epochs": 0}, r"run\.json is damaged: epochs=0 of the training"),
        ("run.json", "preprocessing", {}, r"run\.json is damaged: the preprocessing lacks"),
        ("spec.json", "width", -1, r"spec\.json is damaged: width=-1"),
        ("metrics.json", "metrics", [], "metrics is missing or malformed"),
    ],
)
def test_a_malformed_value_is_named(folder, name, key, value, sentence):
    content = json.loads((folder / name).read_text(encoding="utf-8"))
    (folder / name).write_text(json.dumps(content | {key: value}), encoding="utf-8")
    with pytest.raises(EdgeCnnError, match=sentence):
        run_folder.read(folder)


def test_a_run_that_was_not_written_has_no_weights_file():
    with pytest.raises(EdgeCnnError, match="not been written"):
        _ = RUN.weights


def test_a_run_of_an_older_edgecnn_classifies_and_skipped_nothing(folder):
    content = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    for key in ("task", "skipped", "device"):
        del content[key]
    (folder / "run.json").write_text(json.dumps(content), encoding="utf-8")
    found = run_folder.read(folder)
    assert (found.task, found.skipped, found.device) == ("classification", (), "cpu")


@pytest.mark.parametrize("place", ["run.partial", "run"])
def test_an_unfinished_training_is_no_run_folder(tmp_path, place):
    (tmp_path / "run.partial").mkdir()
    (tmp_path / "run.partial" / "training.json").write_text("{}")
    with pytest.raises(EdgeCnnError, match="is no run folder yet, its training is not finished"):
        run_folder.read(tmp_path / place)
