import hashlib
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx_ir as ir
import pytest
import torch
from torch import nn

from edgecnn.errors import EdgeCnnError
from edgecnn.export.recorder import record
from edgecnn.graph.save import to_bytes
from edgecnn.models.initialize import initialize
from edgecnn.pipeline.asked import Told
from edgecnn.pipeline.finished_passes import folder_of
from edgecnn.pipeline.shrink import Pictures, compress
from edgecnn.pipeline.training_pictures import TrainingPlace

CONTRACT = {"mean": (0.5,) * 3, "std": (0.25,) * 3, "channel_order": "RGB"}
TRAINS = "fold | int8(per_channel=false) | qat(epochs=2, batch=16)"


class Gone(BaseException):
    """The process is killed."""


@pytest.fixture
def photos(tmp_path):
    """Make an archive of pictures of 5 classes, or without classes."""

    def make(name="photos.npz", classes=5, labels=True, seed=0):
        rng = np.random.default_rng(seed)
        images = rng.integers(0, 256, (150, 8, 8, 3)).astype(np.uint8)
        answers = {"y": (np.arange(150) % classes).astype(np.int64)} if labels else {}
        np.savez(tmp_path / name, x=images, **answers)
        return str(tmp_path / name)

    return make


@pytest.fixture
def network(tmp_path):
    """Write a small network as a file of nobody's."""
    layers = (
        nn.Conv2d(3, 8, 3, padding=1, bias=False),
        nn.BatchNorm2d(8),
        nn.ReLU(),
        nn.Conv2d(8, 8, 3, padding=1, groups=8),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(2),
        nn.Flatten(),
        nn.Linear(32, 5),
    )
    images = torch.randn(16, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    path = tmp_path / "net.onnx"
    path.write_bytes(to_bytes(record(initialize(nn.Sequential(*layers), 0, images), (1, 3, 8, 8))))
    return path


def pictures(data, **more) -> Pictures:
    return Pictures(data=data, preprocessing=CONTRACT, training=TrainingPlace(on="cpu"), **more)


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_every_pass_is_measured_beside_the_network_as_it_was(network, photos, tmp_path):
    begun = []
    told = Told(start=begun.append)
    steps = compress(
        network, TRAINS, tmp_path / "o.onnx", pictures=pictures(photos()), target="pi4", told=told
    )
    assert [str(each.step.call) for each in steps] == TRAINS.split(" | ")
    (start,) = begun
    assert start.measured.n == 30
    assert start.compared is None
    found = [each.to_json() for each in steps]
    json.dumps(found, allow_nan=False)
    for each in found:
        assert each["agreement"]["with_original"]["n"] == each["accuracy"]["n"] == 30
        assert each["latency"] | {"median_s": 0} == {
            "kind": "measured", "on": "this host", "runtime": "LiteRT", "median_s": 0
        }  # fmt: skip
        assert each["file"]["format"] == "tflite"
        assert each["accuracy"]["kind"] == each["agreement"]["kind"] == "measured"
    assert found[0]["agreement"]["with_original"]["agreement"] == 1.0
    assert found[1]["file"]["bytes"] < found[0]["file"]["bytes"]
    assert found[0]["accuracy"]["value"] == start.accuracy
    assert not folder_of(tmp_path / "o.onnx").exists()


def test_without_pictures_costs_alone_are_measured(network, tmp_path):
    (step,) = compress(network, "fold", tmp_path / "o.onnx")
    assert step.standing.runtime == "ONNX Runtime"
    assert step.standing.bytes == (tmp_path / "o.onnx").stat().st_size
    assert {"accuracy"}.isdisjoint(step.to_json())
    assert "with_original" not in step.to_json()["agreement"]


def test_pictures_without_classes_tell_the_agreement_alone(network, photos, tmp_path):
    given = pictures(photos(labels=False), held_out=7)
    *_, step = compress(network, "int8", tmp_path / "o.onnx", pictures=given)
    assert "accuracy" not in step.to_json()
    assert step.standing.compared.n == 7


def test_classes_that_are_not_the_networks_are_left_out_unless_they_teach(network, photos, tmp_path):
    given = pictures(photos(classes=7))
    *_, step = compress(network, "int8", tmp_path / "o.onnx", pictures=given)
    assert step.standing.accuracy is None
    with pytest.raises(EdgeCnnError, match="5 outputs, but there are labels up to 6"):
        compress(network, "finetune", tmp_path / "p.onnx", pictures=given)


# ---- going on


def killed(moment, network, data, out, recipe=TRAINS):
    """Compress until `moment` says that the process is gone; the folder stays as a kill leaves it."""

    def epoch(name, found):
        if moment == f"{name} {found.epoch}":
            raise Gone

    def step(each):
        if moment == each.step.call.name:
            raise Gone

    with pytest.raises(Gone):
        compress(network, recipe, out, pictures=pictures(data), told=Told(step=step, epoch=epoch))
    assert not out.exists()


@pytest.mark.parametrize("moment", ["int8", "qat 1", "qat"])
def test_the_same_command_goes_on_to_the_same_bytes(moment, network, photos, tmp_path):
    data, epochs, steps = photos(), [], []
    told = Told(step=steps.append, epoch=lambda _name, epoch: epochs.append(epoch.epoch))
    compress(network, TRAINS, tmp_path / "whole.onnx", pictures=pictures(data))
    out = tmp_path / "o.onnx"
    killed(moment, network, data, out)
    assert (folder_of(out) / "recipe.json").is_file()
    compress(network, TRAINS, out, pictures=pictures(data), told=told)
    assert digest(out) == digest(tmp_path / "whole.onnx")
    assert [each.step.found for each in steps] == [True, True, moment == "qat"]
    assert epochs == {"int8": [1, 2], "qat 1": [2]}.get(moment, [])
    assert not folder_of(out).exists()


def test_another_recipe_takes_over_what_both_begin_with(network, photos, tmp_path):
    data, out, steps = photos(), tmp_path / "o.onnx", []
    killed("qat 1", network, data, out)
    other = "fold | int8(per_channel=false) | qat(epochs=1, batch=16)"
    compress(network, other, out, pictures=pictures(data), told=Told(step=steps.append))
    assert [each.step.found for each in steps] == [True, True, False]


CHANGES = {
    "seed": lambda given: given | {"seed": 1},
    "contract": lambda given: given | {
        "pictures": replace(given["pictures"], preprocessing=CONTRACT | {"mean": (0.4,) * 3})
    },
}  # fmt: skip


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_what_was_made_otherwise_is_not_taken_over(change, network, photos, tmp_path):
    data, out, steps = photos(), tmp_path / "o.onnx", []
    killed("int8", network, data, out)
    given = change({"pictures": pictures(data), "told": Told(step=steps.append)})
    compress(network, TRAINS, out, **given)
    assert not any(each.step.found for each in steps)


def test_other_pictures_under_the_same_name_are_noticed(network, photos, tmp_path):
    out, steps = tmp_path / "o.onnx", []
    killed("int8", network, photos(), out)
    compress(network, TRAINS, out, pictures=pictures(photos(seed=1)), told=Told(step=steps.append))
    assert not any(each.step.found for each in steps)


def test_a_damaged_pass_is_run_again_and_a_damaged_epoch_refused(network, photos, tmp_path):
    data, out, steps = photos(), tmp_path / "o.onnx", []
    killed("qat 1", network, data, out)
    (graph,) = folder_of(out).glob("02-*.onnx")
    (checkpoint,) = folder_of(out).glob("*.pt")
    checkpoint.write_bytes(checkpoint.read_bytes()[:100])
    with pytest.raises(EdgeCnnError, match="is damaged; remove it"):
        compress(network, TRAINS, out, pictures=pictures(data))
    checkpoint.unlink()
    graph.write_bytes(graph.read_bytes()[:-9])
    compress(network, TRAINS, out, pictures=pictures(data), told=Told(step=steps.append))
    assert [each.step.found for each in steps] == [True, False, False]


@pytest.mark.parametrize("text", ["{", "[]"])
def test_what_a_pass_said_may_be_damaged_too(text, network, photos, tmp_path):
    data, out, steps = photos(), tmp_path / "o.onnx", []
    killed("int8", network, data, out)
    (said,) = folder_of(out).glob("01-*.json")
    said.write_text(text)
    compress(network, TRAINS, out, pictures=pictures(data), told=Told(step=steps.append))
    assert [each.step.found for each in steps] == [False, True, False]


def test_a_folder_of_another_kind_is_not_touched(network, photos, tmp_path):
    out = tmp_path / "o.onnx"
    folder_of(out).mkdir()
    (folder_of(out) / "mine").write_text("mine")
    with pytest.raises(EdgeCnnError, match="holds mine, which is no pass's"):
        compress(network, TRAINS, out, pictures=pictures(photos()))
    assert (folder_of(out) / "mine").read_text() == "mine"


def test_an_error_keeps_what_is_finished_and_says_so_and_else_leaves_nothing(network, tmp_path):
    out, few = tmp_path / "o.onnx", tmp_path / "few.npz"
    np.savez(few, x=np.full((10, 8, 8, 3), 9, np.uint8), y=np.arange(10) % 2)
    with pytest.raises(EdgeCnnError, match="pictures are too few to train on"):
        compress(network, "finetune", out, pictures=pictures(str(few)))
    assert not folder_of(out).exists()
    with pytest.raises(EdgeCnnError, match="too few to train on") as found:
        compress(network, "fold | finetune", out, pictures=pictures(str(few)))
    assert found.value.__notes__ == [
        f"what is finished is in {folder_of(out)}; the same command goes on from there"
    ]
    assert folder_of(out).exists()
    assert not out.exists()


def test_a_killed_process_leaves_what_is_finished_and_no_output(network, photos, tmp_path):
    out = tmp_path / "o.onnx"
    command = [sys.executable, "-m", "edgecnn", "compress", str(network), "--recipe"]
    command += ["fold | int8 | qat(epochs=500, batch=16)", "--images", photos(), "-o", str(out)]
    command += ["--mean", ".5,.5,.5", "--std", ".25,.25,.25", "--channel-order", "RGB", "--on", "cpu"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True) as process:
        for line in process.stderr:
            if line.startswith("epoch 3/"):
                break
        process.kill()
    assert not out.exists()
    names = sorted(path.name[:3] + path.suffix for path in folder_of(out).iterdir() if path.name[0] != ".")
    assert names == ["01-.json", "01-.onnx", "02-.json", "02-.onnx", "03-.pt", "rec.json"]


# ---- what is refused before any work

REFUSED = {
    "pictures are lacking": ({}, "distill", "distill needs pictures like those"),
    "no such target": ({"target": "pi44"}, "fold", "pi4"),
    "a target without int8": ({"target": "jetson-nano"}, "int8", "int8"),
    "the other scheme": ({"target": "pi4", "pictures": Pictures(scheme="tensorrt")}, "fold", "--scheme"),
    "no epochs": ({}, "distill(epochs=0)", "epochs=0"),
    "a temperature of nothing": ({}, "distill(temperature=0)", "temperature=0"),
    "no such optimizer": ({}, "qat(optimizer=adam)", "adamw"),
    "no such loss": ({}, "distill(loss=ce)", "kl"),
    "nothing but a teacher": ({}, "finetune(teacher=1)", "distill needs no labels"),
}  # fmt: skip


@pytest.mark.parametrize(("given", "recipe", "said"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_is_refused_before_any_work(given, recipe, said, network, tmp_path):
    with pytest.raises(EdgeCnnError) as found:
        compress(network, recipe, tmp_path / "o.onnx", **given)
    assert said in str(found.value)
    assert [path.name for path in tmp_path.iterdir()] == ["net.onnx"]


def test_labels_are_needed_by_finetune_alone(network, photos, tmp_path):
    bare = pictures(photos(labels=False))
    with pytest.raises(EdgeCnnError, match="finetune needs pictures with classes or masks"):
        compress(network, "finetune", tmp_path / "o.onnx", pictures=bare)
    *_, step = compress(network, "distill(epochs=1)", tmp_path / "o.onnx", pictures=bare)
    assert step.step.note.startswith("no pass before it changed what the network answers")
    assert isinstance(step.step.after, ir.Model)


def test_there_is_no_gpu_here_is_said_before_any_work(network, photos, tmp_path):
    if torch.cuda.is_available():
        pytest.skip("there is one")
    given = replace(pictures(photos()), training=TrainingPlace(on="cuda"))
    with pytest.raises(EdgeCnnError, match="no CUDA GPU"):
        compress(network, "distill", tmp_path / "o.onnx", pictures=given)
