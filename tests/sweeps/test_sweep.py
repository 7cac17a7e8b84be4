"""Sweeps of two small LeNets: what is made, measured and predicted, and what fails."""

import os
import shutil
import signal
import subprocess
import sys

import pytest

from edgecnn.devices import fits
from edgecnn.devices.fit import Fit
from edgecnn.devices.layer_terms import Tiles
from edgecnn.devices.results import append_results
from edgecnn.devices.terms import INFERENCE
from edgecnn.errors import EdgeCnnError
from edgecnn.pipeline.measuring import measure
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


def rows(out):
    store = Store(out)
    try:
        return store.rows()
    finally:
        store.close()


BOTH = {"recipes": ("int8",), "devices": ("pi4", "local")}


def fit(seconds, precision):
    """A fit by which every network takes as long."""
    return Fit(
        device="ssh://pi@board", target="pi4", runtime="litert 1", cpu=None, threads=1, precision=precision,
        date="2026-01-01", edgecnn="0", tiles=Tiles(), seconds={INFERENCE: seconds},
        ranges={}, errors=(-0.2, 0.25), networks=2,
    )  # fmt: skip


@pytest.fixture(autouse=True, scope="module")
def _fitted(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        for precision in ("fp32", "int8"):
            fits.keep(fit(1e-3, precision))
        yield


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    out = tmp_path_factory.mktemp("sweep") / "s"
    return sweep(request(**BOTH), out)


def test_every_network_is_trained_once_and_measured_in_each_precision(done):
    assert done.failed == ()
    found = [(point.name, point.label, point.precision) for point in done.points]
    widths = ("lenet-w0.25-r12", "lenet-w0.5-r12")
    assert found == [(name, *each) for name in widths for each in (("float", "fp32"), ("int8", "int8"))]
    assert sum(row.kind == "train" for row in rows(done.path)) == 2
    for point in done.points:
        assert point.n == 355
        assert point.file_bytes > 0
        assert sum(layer[3] or 0 for layer in point.layers) == point.mult_adds


def test_a_target_is_predicted_and_a_device_measured_and_each_says_so(done):
    for point in done.points:
        predicted, measured = point.latency("pi4"), point.latency("local")
        assert (predicted.kind, predicted.median_s, predicted.p90_s) == ("predicted", 1e-3, None)
        assert "fitted on 2 micro-networks on ssh://pi@board" in predicted.source
        assert any("was not fitted" in warning for warning in predicted.warnings)
        assert (measured.device, measured.kind, measured.threads) == ("host", "measured", 1)


def test_a_device_that_is_fitted_anew_is_predicted_anew_and_nothing_else_is_done(done, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    for precision, seconds in (("fp32", 2e-3), ("int8", 1e-3)):
        fits.keep(fit(seconds, precision))
    copy = shutil.copytree(done.path, tmp_path / "copy")
    monkeypatch.setattr("edgecnn.sweeps.worker.DO", {"predict": work_module.predict_all})
    again = sweep(request(**BOTH), copy)
    assert [point.latency("pi4").median_s for point in again.points] == [2e-3, 1e-3, 2e-3, 1e-3]


def test_what_cannot_be_predicted_says_why_and_leaves_the_others(done, monkeypatch):
    def refusing(file, device):
        if "0.25" in str(file):
            raise EdgeCnnError("no <b>peak</b> rate")
        return fit(3e-3, "int8").predict(file.read_bytes())

    monkeypatch.setattr("edgecnn.pipeline.prediction.predict", refusing)
    job = next(row for row in rows(done.path) if row.kind == "predict")
    store = Store(done.path)
    found = work_module.predict_all(store, job, lambda _share: None)
    store.close()
    assert [each["latency_s"] for each in found["cells"].values()] == [3e-3, 3e-3]
    assert list(found["failed"].values()) == ["no <b>peak</b> rate"] * 2


def test_a_recipe_that_trains_makes_a_cell_of_what_it_leaves(tmp_path):
    recipe = "prune(mult_adds=0.5) | distill(epochs=1) | int8"
    (plain, small) = sweep(request((0.5,), recipes=(recipe,), devices=()), tmp_path / "s").points
    assert (small.recipe, small.precision, small.latencies) == (recipe, "int8", ())
    assert 0.4 * plain.mult_adds < small.mult_adds <= 0.5 * plain.mult_adds
    assert small.parameters < plain.parameters
    assert any(note.startswith("distill: 1 epoch") for note in small.notes)
    assert f"--recipe '{recipe}' --on cpu" in small.commands[-1]
    assert "--on" not in plain.commands[-1]


def test_what_bench_measured_finds_its_sweep_and_its_training(done, tmp_path):
    bundles = sorted((done.path / "bundles").iterdir())
    names = {point.bundle: point for point in done.points}
    whole = next(path for path in bundles if names[path.name].precision == "fp32")
    int8 = next(path for path in bundles if names[path.name].precision == "int8")
    for file, path in (("float", whole), ("int8", int8)):
        append_results(tmp_path / f"{file}.jsonl", measure([path], runs=2, rounds=1))
    of_sweep = {point.bundle: point for point in read_points([done.path, tmp_path / "float.jsonl"])}
    assert of_sweep[whole.name].latency("host").source.startswith("edgecnn bench on local, 1 thread")
    runs = list((done.path / "runs").iterdir())
    found = [point.latency("host") for point in read_points([*runs, tmp_path / "float.jsonl"])]
    assert [latency and latency.kind for latency in found].count("measured") == 1
    with pytest.raises(EdgeCnnError, match=r"\(int8\) was measured and is in none of these"):
        read_points([*runs, tmp_path / "int8.jsonl"])
    with pytest.raises(EdgeCnnError, match="latencies alone have no accuracy"):
        read_points([tmp_path / "int8.jsonl"])


def test_the_points_are_read_from_the_file_as_they_were_made(done):
    assert read_points([done.path]) == list(done.points) == read_points([done.path, done.path])


def test_a_run_folder_is_a_point_without_what_was_not_measured(done):
    run = next((done.path / "runs").iterdir())
    (point,) = read_points([run])
    assert (point.data, point.n, point.file_bytes, point.latencies) == ("digits", 355, None, ())
    assert point.interval[0] < point.accuracy < point.interval[1]


def test_what_is_finished_is_never_done_again(done, monkeypatch):
    monkeypatch.setattr("edgecnn.sweeps.worker.DO", {})
    assert sweep(None, done.path).points == sweep(request(**BOTH), done.path).points


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


def test_ctrl_c_gives_back_what_was_begun_and_ends_the_processes(tmp_path):
    out = tmp_path / "s"
    arguments = ["lenet(res=12)", "--width", "0.25,0.5", "--data", "digits", "--on", "cpu", "--jobs", "2"]
    process = subprocess.Popen(
        [sys.executable, "-m", "edgecnn", "sweep", *arguments, "--epochs", "500", "-o", str(out)],
        env=ENVIRONMENT, stderr=subprocess.PIPE, text=True, start_new_session=True,
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
        (request(target="pi5000"), "unknown target"),
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
