"""A training that is killed at any moment and resumed ends in the very same weights."""

import json
import multiprocessing
import os
import signal
import time
from pathlib import Path

import numpy as np
import pytest
import torch

import edgecnn
from edgecnn import run_folder, unfinished_run
from edgecnn.errors import EdgeCnnError
from edgecnn.optimize.loop import _Loop
from edgecnn.training_recipe import Recipe
from edgecnn.unfinished_run import CHECKPOINT, folder_of

EPOCHS = 4
RECIPE = Recipe(epochs=EPOCHS, batch=64, shift=1, ema=0.9, warmup_epochs=0.0)
MODEL = "lenet(width=0.25, res=12)"


@pytest.fixture(autouse=True, scope="module")
def _one_thread():
    """One thread is faster here, and a process with more must not be forked."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def fit(out: Path, **given):
    resume = (folder_of(out) / CHECKPOINT).is_file()
    return edgecnn.fit(MODEL, "digits", out=out, recipe=RECIPE, resume=resume, on="cpu", **given)


@pytest.fixture(scope="module")
def whole(_one_thread, tmp_path_factory):
    """Train without an interruption: the run, and how long it took."""
    began_s = time.perf_counter()
    run = fit(tmp_path_factory.mktemp("whole") / "run")
    return run, time.perf_counter() - began_s


def die():
    os.kill(os.getpid(), signal.SIGKILL)


def dying_in_step(number):
    """Die at a step, counted over all epochs: an epoch of 1,442 images has 23."""
    step, taken = _Loop.step, []

    def counted(self, *given):
        taken.append(1)
        return die() if len(taken) == number else step(self, *given)

    _Loop.step = counted


def dying_while_writing(nth):
    """Die when the first half of a checkpoint is on the disk."""
    write, written = Path.write_bytes, []

    def half(path, data):
        written.append(path)
        if len(written) == nth:
            write(path, data[: len(data) // 2])
            die()
        return write(path, data)

    Path.write_bytes = half


def dying_before_the_metrics(_):
    unfinished_run.UnfinishedRun._write_metrics = lambda _self, _state: die()


def dying_before_the_run(_):
    run_folder.write = lambda *_given, **_named: die()


def dying_after_the_run(_):
    unfinished_run.UnfinishedRun.discard = lambda _self: die()


MOMENTS = {
    "in the first step": (dying_in_step, 1),
    "in the last step of the first epoch": (dying_in_step, 23),
    "in the first step of the second epoch": (dying_in_step, 24),
    "in the middle of the third epoch": (dying_in_step, 57),
    "while the settings are written": (dying_while_writing, 1),
    "while the first checkpoint is written": (dying_while_writing, 2),
    "while the second checkpoint is written": (dying_while_writing, 4),
    "between a checkpoint and its metrics": (dying_before_the_metrics, None),
    "before the run is written": (dying_before_the_run, None),
}


def killed(out, prepare=lambda _: None, argument=None, after_s=None):
    """Train in a process of its own until it is killed; return its exit code."""

    def child():
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        prepare(argument)
        fit(out)

    process = multiprocessing.get_context("fork").Process(target=child)
    process.start()
    process.join(after_s)
    process.kill()
    process.join()
    return process.exitcode


def weights(run):
    return run.weights.read_bytes()


def course(run):
    return [(epoch["loss"], epoch["accuracy"], epoch["lr"]) for epoch in run.history]


@pytest.mark.parametrize(("prepare", "argument"), MOMENTS.values(), ids=MOMENTS)
def test_killed_at_a_moment_it_goes_on_to_the_same_weights(whole, tmp_path, prepare, argument):
    assert killed(tmp_path / "run", prepare, argument) == -signal.SIGKILL
    run = fit(tmp_path / "run")
    assert weights(run) == weights(whole[0])
    assert course(run) == course(whole[0])
    assert run.metrics == whole[0].metrics
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_killed_again_and_again_it_gets_there(whole, tmp_path):
    run, whole_s = whole
    for fraction in np.random.default_rng(0).uniform(0.1, 0.6, 6):
        if not (tmp_path / "run").exists():
            assert killed(tmp_path / "run", after_s=fraction * whole_s) in (0, -signal.SIGKILL)
    again = run_folder.read(tmp_path / "run") if (tmp_path / "run").exists() else fit(tmp_path / "run")
    assert weights(again) == weights(run)


def test_at_most_one_epoch_is_lost(tmp_path):
    assert killed(tmp_path / "run", dying_in_step, 3 * 23) == -signal.SIGKILL  # the last step of the third
    lines = (folder_of(tmp_path / "run") / "metrics.jsonl").read_text().splitlines()
    assert [json.loads(line)["epoch"] for line in lines] == [1, 2]
    seen = []
    fit(tmp_path / "run", on_epoch=lambda epoch: seen.append(epoch.epoch))
    assert seen == [3, 4]


def test_killed_when_the_run_is_there_it_is_finished(whole, tmp_path):
    assert killed(tmp_path / "run", dying_after_the_run) == -signal.SIGKILL
    assert weights(run_folder.read(tmp_path / "run")) == weights(whole[0])
    with pytest.raises(EdgeCnnError, match="run exists; give another name, or --force"):
        fit(tmp_path / "run")


def test_a_training_that_diverges_leaves_nothing_to_resume(tmp_path):
    with pytest.raises(EdgeCnnError, match="diverged: .* lower --lr"):
        edgecnn.fit(
            "mobilenet(width=0.25, res=16, in_channels=1)",
            "digits",
            out=tmp_path / "run",
            recipe=Recipe(epochs=3, lr=1e6, warmup_epochs=0.0),
        )
    assert list(tmp_path.iterdir()) == []


def test_a_run_says_what_it_was_trained_on_and_with(whole):
    run = run_folder.read(whole[0].path)
    assert (run.data, run.task, run.device) == ("digits", "classification", "cpu")
    assert run.recipe == RECIPE
    assert len(run.history) == EPOCHS


def test_masks_train_a_network_that_answers_for_each_pixel(tmp_path):
    run = edgecnn.fit(
        "unet(width=0.125, res=16, in_channels=3, padding=same)",
        "shapes",
        out=tmp_path / "run",
        recipe=Recipe(epochs=2, batch=16, dice=1.0, flip=0.5, warmup_epochs=0.0),
    )
    assert (run.task, run.spec.classes) == ("segmentation", 4)
    assert run.history[1]["loss"] < run.history[0]["loss"]
    assert run.metrics["pixel_accuracy"] > 0.7  # the ground alone
    assert run_folder.read(tmp_path / "run").class_names[0] == "background"


def test_a_classifier_is_refused_masks(tmp_path):
    with pytest.raises(EdgeCnnError, match="shapes has masks, and lenet names a class of the whole picture"):
        edgecnn.fit("lenet(in_channels=3)", "shapes", out=tmp_path / "run")
    assert list(tmp_path.iterdir()) == []


def test_files_that_cannot_be_read_are_named_in_the_run(tmp_path, capsys):
    from PIL import Image

    from edgecnn.report.views import print_run

    for number, label in enumerate("ab" * 10):
        (tmp_path / "set" / label).mkdir(parents=True, exist_ok=True)
        shade = np.full((12, 12), 40 + 150 * (label == "b") + number, np.uint8)
        Image.fromarray(shade).save(tmp_path / "set" / label / f"{number}.png")
    (tmp_path / "set" / "a" / "broken.png").write_bytes(b"no picture")
    recipe = Recipe(epochs=1, batch=8, warmup_epochs=0.0)
    run = edgecnn.fit(MODEL, str(tmp_path / "set"), out=tmp_path / "run", recipe=recipe)
    assert len(run_folder.read(tmp_path / "run").skipped) == 1
    print_run(run)
    assert "broken.png" in capsys.readouterr().out


def test_pictures_without_classes_are_refused(tmp_path):
    from PIL import Image

    (tmp_path / "set").mkdir()
    for number in range(6):
        Image.new("L", (12, 12), number).save(tmp_path / "set" / f"{number}.png")
    with pytest.raises(EdgeCnnError, match="no classes and no masks to train on"):
        edgecnn.fit(MODEL, str(tmp_path / "set"), out=tmp_path / "run")
