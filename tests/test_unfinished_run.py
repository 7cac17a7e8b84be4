import fcntl
import json
import os

import pytest
import torch

from edgecnn.errors import EdgeCnnError
from edgecnn.unfinished_run import UnfinishedRun, folder_of, is_unfinished, refuse_unfinished

SETTINGS = {"model": "lenet()", "recipe": {"lr": 0.1, "milestones": (2, 3)}, "seed": 0}


def state(epochs):
    return {
        "module": {"weight": torch.full((2,), float(epochs))},
        "history": [{"epoch": number, "loss": 0.5} for number in range(1, epochs + 1)],
    }


@pytest.fixture
def run(tmp_path):
    return tmp_path / "runs" / "net"


def interrupted(run, epochs, settings=SETTINGS, **given):
    """Train so many epochs further, then stop."""
    unfinished = UnfinishedRun(run, settings)
    try:
        with unfinished.kept(**{"resume": False, "force": False, **given}) as found:
            done = len(found["history"]) if found else 0
            for number in range(done + 1, done + epochs + 1):
                unfinished.keep(state(number))
            raise KeyboardInterrupt
    except KeyboardInterrupt as interruption:
        return found, interruption


def test_what_was_kept_is_given_back(run):
    found, _ = interrupted(run, 2)
    assert found is None
    found, _ = interrupted(run, 1, resume=True)
    assert found["module"]["weight"].tolist() == [2.0, 2.0]
    assert [epoch["epoch"] for epoch in found["history"]] == [1, 2]


def test_the_metrics_have_a_line_for_each_epoch(run):
    interrupted(run, 2)
    file = folder_of(run) / "metrics.jsonl"
    assert [json.loads(line)["epoch"] for line in file.read_text().splitlines()] == [1, 2]
    file.write_text("")  # killed between the checkpoint and its line
    interrupted(run, 1, resume=True)
    assert [json.loads(line)["epoch"] for line in file.read_text().splitlines()] == [1, 2, 3]


def test_an_interruption_says_how_to_go_on(run):
    _, interruption = interrupted(run, 1)
    assert interruption.__notes__ == [
        f"what is finished is in {run}.partial; the same command with --resume goes on"
    ]


def test_without_a_finished_epoch_nothing_is_left(run, tmp_path):
    _, interruption = interrupted(run, 0)
    assert not hasattr(interruption, "__notes__")
    assert list(tmp_path.iterdir()) == []


def test_at_the_end_the_folder_is_gone(run):
    interrupted(run, 1)
    with UnfinishedRun(run, SETTINGS).kept(resume=True, force=False):
        pass
    assert not folder_of(run).exists()


def test_a_checkpoint_is_not_overwritten_unasked(run):
    interrupted(run, 1)
    with (
        pytest.raises(EdgeCnnError, match=r"net\.partial; go on with --resume, or start anew with --force"),
        UnfinishedRun(run, SETTINGS).kept(resume=False, force=False),
    ):
        pytest.fail("it began")
    found, _ = interrupted(run, 0, force=True)
    assert found is None
    assert not folder_of(run).exists()


def test_there_must_be_something_to_resume(run):
    with (
        pytest.raises(EdgeCnnError, match=r"no checkpoint in .*net\.partial to resume; leave out --resume"),
        UnfinishedRun(run, SETTINGS).kept(resume=True, force=False),
    ):
        pytest.fail("it began")
    assert not folder_of(run).exists()


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({**SETTINGS, "seed": 1}, "begun with seed 0, not 1; resume it as it was begun"),
        ({**SETTINGS, "recipe": {"lr": 0.2, "milestones": [2, 3]}}, r"begun with lr 0\.1, not 0\.2;"),
        ({**SETTINGS, "recipe": {"lr": 0.1}}, r"begun with milestones \[2, 3\], not None;"),
        (dict.fromkeys("abcde", 9), "and 6 more"),
    ],
    ids=["seed", "recipe", "missing", "many"],
)
def test_other_settings_are_refused_by_name(run, settings, sentence):
    interrupted(run, 1)
    with (
        pytest.raises(EdgeCnnError, match=sentence),
        UnfinishedRun(run, settings).kept(resume=True, force=False),
    ):
        pytest.fail("it began")
    assert (folder_of(run) / "checkpoint.pt").is_file()


@pytest.mark.parametrize("name", ["checkpoint.pt", "training.json"])
@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"\x80\x02."], ids=repr)
def test_a_damaged_file_is_named(run, name, content):
    interrupted(run, 1)
    (folder_of(run) / name).write_bytes(content)
    with (
        pytest.raises(EdgeCnnError, match=rf"{name} is (missing or )?damaged; start anew with --force"),
        UnfinishedRun(run, SETTINGS).kept(resume=True, force=False),
    ):
        pytest.fail("it began")


def test_a_foreign_folder_of_that_name_is_left_alone(run):
    folder_of(run).mkdir(parents=True)
    (folder_of(run) / "photo.jpg").touch()
    with (
        pytest.raises(EdgeCnnError, match=r"net\.partial holds photo\.jpg, which is no training's"),
        UnfinishedRun(run, SETTINGS).kept(resume=False, force=True),
    ):
        pytest.fail("it began")
    assert [path.name for path in folder_of(run).iterdir()] == ["photo.jpg"]


def test_two_processes_do_not_train_into_one_folder(run):
    interrupted(run, 1)
    handle = os.open(folder_of(run), os.O_RDONLY)
    fcntl.flock(handle, fcntl.LOCK_EX)
    try:
        with (
            pytest.raises(EdgeCnnError, match="another process is training into"),
            UnfinishedRun(run, SETTINGS).kept(resume=True, force=False),
        ):
            pytest.fail("it began")
    finally:
        os.close(handle)
    assert (folder_of(run) / "checkpoint.pt").is_file()


def test_it_is_no_run_folder_for_anybody(run):
    refuse_unfinished(run)
    interrupted(run, 1)
    assert is_unfinished(folder_of(run))
    for path in (run, folder_of(run)):
        with pytest.raises(EdgeCnnError, match="is no run folder yet, its training is not finished"):
            refuse_unfinished(path)
    run.mkdir()  # an earlier run, which the training is to replace
    refuse_unfinished(run)
