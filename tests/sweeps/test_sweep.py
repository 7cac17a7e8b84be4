"""Sweeps of two small LeNets: done once, whoever does them, and whatever kills them."""

import os
import signal
import subprocess
import sys

import pytest

from edgecnn.errors import EdgeCnnError
from edgecnn.sweeps import work as work_module
from edgecnn.sweeps.cells import Request, grid, jobs
from edgecnn.sweeps.points import read_points
from edgecnn.sweeps.run import sweep
from edgecnn.sweeps.store import Store
from edgecnn.sweeps.work import DO

ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1"}


def request(widths=(0.25, 0.5), epochs=1, **given):
    return Request(
        models=grid(["lenet(res=12)"], widths, []), data="digits", given={"epochs": epochs}, on="cpu", **given
    )


def command(out, *more, epochs=1):
    arguments = ["sweep", "lenet(res=12)", "--width", "0.25,0.5", "--data", "digits", "--on", "cpu"]
    return [sys.executable, "-m", "edgecnn", *arguments, "--epochs", str(epochs), "-o", str(out), *more]


def rows(out):
    store = Store(out)
    try:
        return store.rows()
    finally:
        store.close()


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    out = tmp_path_factory.mktemp("sweep") / "s"
    return sweep(request(recipes=("int8",)), out)


def test_every_network_is_trained_once_and_measured_in_each_precision(done):
    assert done.failed == ()
    found = [(point.name, point.label, point.precision) for point in done.points]
    widths = ("lenet-w0.25-r12", "lenet-w0.5-r12")
    assert found == [(name, *each) for name in widths for each in (("float", "fp32"), ("int8", "int8"))]
    assert sum(row.kind == "train" for row in rows(done.path)) == 2
    for point in done.points:
        assert point.n == 355
        assert point.file_bytes > 0
        (latency,) = point.latencies
        assert (latency.device, latency.kind) == ("host", "measured")
        assert sum(layer[3] or 0 for layer in point.layers) == point.mult_adds


def test_the_points_are_read_from_the_file_as_they_were_made(done):
    assert read_points([done.path]) == list(done.points)


def test_a_run_folder_is_a_point_without_what_was_not_measured(done):
    run = next((done.path / "runs").iterdir())
    (point,) = read_points([run])
    assert (point.data, point.n, point.file_bytes, point.latencies) == ("digits", 355, None, ())


def test_what_is_finished_is_never_done_again(done, monkeypatch):
    monkeypatch.setattr("edgecnn.sweeps.worker.DO", {})
    assert sweep(request(recipes=("int8",)), done.path).points == done.points
    assert sweep(None, done.path).points == done.points


def test_a_cell_that_fails_leaves_the_others_and_is_tried_again_by_the_next_command(tmp_path, monkeypatch):
    def failing(store, row, say):
        if "0.25" in row.title:
            raise EdgeCnnError("the disk <b>fell</b> over")
        return work_module.measure(store, row, say)

    with monkeypatch.context() as patch:
        patch.setitem(DO, "measure", failing)
        found = sweep(request(), tmp_path / "s")
    assert [(row.title, row.error) for row in found.failed] == [
        ("lenet-w0.25-r12, float", "the disk <b>fell</b> over")
    ]
    assert [point.name for point in found.points] == ["lenet-w0.5-r12"]
    again = sweep(request(), tmp_path / "s")
    assert again.failed == ()
    assert [len(point.latencies) for point in again.points] == [1, 1]


def test_two_processes_finish_a_sweep_once(tmp_path):
    out = tmp_path / "s"
    both = [subprocess.Popen(command(out), env=ENVIRONMENT, stderr=subprocess.PIPE) for _ in range(2)]
    assert [(each.communicate()[1], each.returncode)[1] for each in both] == [0, 0]
    found = rows(out)
    assert [(row.state, row.attempts) for row in found] == [("done", 1)] * 5


def test_a_process_that_is_killed_loses_only_the_job_it_was_at(tmp_path):
    out = tmp_path / "s"
    process = subprocess.Popen(command(out, epochs=3), env=ENVIRONMENT, stderr=subprocess.PIPE, text=True)
    for line in process.stderr:
        if "train lenet-w0.5-r12 33%" in line:
            break
    process.send_signal(signal.SIGKILL)
    process.communicate()
    before = {row.key: row for row in rows(out)}
    assert sorted(row.state for row in before.values()) == ["done", "done", "open", "open", "taken"]
    assert sweep(request(epochs=3), out).failed == ()
    for row in rows(out):
        assert row.state == "done"
        assert row.attempts == (2 if before[row.key].state == "taken" else 1)


def test_ctrl_c_gives_back_what_was_begun_and_ends_the_processes(tmp_path):
    out = tmp_path / "s"
    process = subprocess.Popen(
        command(out, "--jobs", "2", epochs=500), env=ENVIRONMENT, stderr=subprocess.PIPE, text=True,
        start_new_session=True,
    )  # fmt: skip
    for line in process.stderr:
        if "train lenet-w0.5-r12 " in line and "train lenet-w0.25-r12" in line:
            break
    os.killpg(process.pid, signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 130
    assert {row.state for row in rows(out)} == {"open"}


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (Request(models=(), data="digits"), "the sweep is empty"),
        (Request(models=grid(["mobilenet"], [0.5], ["32", "8"]), data="digits"), "res of at least 16, not 8"),
        (Request(models=grid(["lenet"], [], []), data="nothing"), "unknown data set 'nothing'"),
        (request(recipes=("int9",)), "int9"),
        (request(device="pi5000"), "unknown target"),
        (request(training="lennet"), "did you mean lenet"),
    ],
    ids=["empty", "too small", "no data", "no pass", "no target", "no recipe"],
)  # fmt: skip
def test_what_cannot_be_done_is_found_before_any_work(asked, words, tmp_path):
    with pytest.raises(EdgeCnnError, match=words):
        sweep(asked, tmp_path / "s")
    assert list(tmp_path.iterdir()) == []


def test_a_network_that_is_asked_for_twice_is_trained_once():
    models = grid(["lenet", "lenet(width=1.0)"], [], [])
    assert [job.kind for job in jobs(Request(models=models, data="digits"))] == ["train", "measure", "time"]
