"""Ctrl-C and SIGTERM, at every moment: nothing is left behind, and the exit code says what it was."""

import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

EXPORT = ["export", "lenet", "--target", "pi4", "-o", "a/out"]
LARGE = ["export", "mobilenet", "--target", "pi4", "-o", "a/out"]  # not over before a signal arrives
TRAIN = ["train", "lenet", "--data", "digits", "--width", "0.25", "--epochs", "3", "-o", "a/run"]
LONG = ["train", "lenet", "--data", "digits", "--epochs", "500", "-o", "a/run"]
KEPT = [f"a/run.partial/{name}" for name in ("checkpoint.pt", "metrics.jsonl", "training.json")]
SIGNALS = {signal.SIGINT: (130, "edgecnn: interrupted"), signal.SIGTERM: (143, "edgecnn: terminated")}


def signalling(patch, number, moment):
    """Have the signal sent when the progress says something."""

    @contextmanager
    def progress(_first):
        yield lambda text: text.startswith(moment) and os.kill(os.getpid(), number)

    patch.setattr("edgecnn.report.progress.progress", progress)


@pytest.fixture(autouse=True)
def here(tmp_path, tmp_path_factory, monkeypatch):
    """Stand in an empty folder; what is temporary goes there, too."""
    (tmp_path / "tmp").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    # torch makes a folder of its own when its optimizers are imported
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path_factory.mktemp("torch")))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")  # with more, a busy machine takes long to train
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def stopped(left, tmp_path):
    """Check how a command ended, and that nothing is there that was not before."""

    def check(number, code, err, kept=("tmp",)):
        assert (code, err.splitlines()[-1]) == SIGNALS[number]
        assert "Traceback" not in err
        assert left(tmp_path) == [*kept]

    return check


@pytest.mark.parametrize("number", SIGNALS, ids=lambda each: each.name)
@pytest.mark.parametrize(
    ("arguments", "moment"),
    [
        (EXPORT, "build ..."),
        (EXPORT, "compress ..."),
        (EXPORT, "compile ..."),
        (EXPORT, "measure ..."),
        (EXPORT, "write ..."),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_a_signal_at_any_stage_leaves_nothing(edgecnn, number, arguments, moment, monkeypatch, stopped):
    signalling(monkeypatch, number, moment)
    ran = edgecnn(*arguments)
    stopped(number, ran.code, ran.err)
    assert ran.out == ""


@pytest.mark.parametrize("number", SIGNALS, ids=lambda each: each.name)
def test_a_signal_in_a_training_keeps_what_is_finished(edgecnn, number, monkeypatch, stopped, tmp_path):
    with monkeypatch.context() as patch:
        signalling(patch, number, "epoch 2/3")
        ran = edgecnn(*TRAIN)
    stopped(number, ran.code, ran.err, ["a", "a/run.partial", *KEPT, "tmp"])
    said = "what is finished is in a/run.partial; the same command with --resume goes on"
    assert said in ran.err.splitlines()
    assert edgecnn("eval", "a/run", "--data", "digits").complaint.endswith("with --resume")
    assert edgecnn(*TRAIN).complaint.endswith("go on with --resume, or start anew with --force")
    again = edgecnn(*TRAIN, "--resume")
    assert again.err.startswith("epoch 3/3  loss ")
    assert edgecnn(*TRAIN[:-1], "whole").code == again.code == 0
    weights = [Path(run, "weights.safetensors").read_bytes() for run in ("a/run", "whole")]
    assert weights[0] == weights[1]
    assert not Path("a/run.partial").exists()


@pytest.mark.parametrize("number", SIGNALS, ids=lambda each: each.name)
@pytest.mark.parametrize("nth", [0, 3])
@pytest.mark.parametrize("name", ["a/out", "a/out.zip"])
def test_a_signal_in_the_middle_of_writing_leaves_nothing(edgecnn, number, nth, name, monkeypatch, stopped):
    write, written = Path.write_bytes, []

    def slow(path, data):
        written.append(path)
        size = write(path, data)
        if len(written) > nth or path.suffix != ".npy":
            os.kill(os.getpid(), number)
        return size

    monkeypatch.setattr(Path, "write_bytes", slow)
    ran = edgecnn(*EXPORT[:-1], name)
    stopped(number, ran.code, ran.err)
    assert written


def test_an_impatient_second_signal_does_not_interrupt_the_cleaning_up(edgecnn, monkeypatch, stopped):
    from edgecnn import atomic

    remove = atomic._remove

    def interrupted(path):
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGTERM)
        remove(path)

    def write(_path, _data):
        os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(Path, "write_bytes", write)
    monkeypatch.setattr(atomic, "_remove", interrupted)
    ran = edgecnn(*EXPORT)
    stopped(signal.SIGINT, ran.code, ran.err)


def test_a_signal_leaves_the_earlier_result(edgecnn, monkeypatch, left, tmp_path):
    assert edgecnn(*EXPORT).code == 0
    before = {name: (tmp_path / name).stat().st_ino for name in left(tmp_path)}
    monkeypatch.setattr(Path, "write_bytes", lambda _path, _data: os.kill(os.getpid(), signal.SIGINT))
    assert edgecnn(*EXPORT, "--force").code == 130
    assert {name: (tmp_path / name).stat().st_ino for name in left(tmp_path)} == before


def test_the_handlers_of_the_host_come_back(edgecnn):
    before = [signal.getsignal(number) for number in SIGNALS]
    edgecnn("list", "targets")
    assert [signal.getsignal(number) for number in SIGNALS] == before


def test_a_signal_that_is_ignored_stays_ignored(edgecnn, monkeypatch):
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        monkeypatch.setattr(
            "edgecnn.pipeline.doctor.doctor", lambda: os.kill(os.getpid(), signal.SIGINT) or []
        )
        assert edgecnn("doctor", "--json").code == 0
    finally:
        signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize(
    ("number", "arguments", "moment"),
    [(signal.SIGINT, LARGE, "compress ..."), (signal.SIGTERM, LONG, "epoch   1/500")],
    ids=["Ctrl-C in export", "SIGTERM in train"],
)
def test_a_process_of_its_own_ends_with_the_code(number, arguments, moment, stopped):
    command = [sys.executable, "-m", "edgecnn", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        said = []
        for line in process.stderr:
            said.append(line)
            if line.startswith(moment):
                break
        time.sleep(0.05)
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
    assert out == ""
    kept = ["a", "a/run.partial", *KEPT, "tmp"] if arguments is LONG else ["tmp"]
    stopped(number, process.returncode, "".join(said) + err, kept)
