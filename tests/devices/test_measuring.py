"""Rounds on a device that answers as told: turns, retries, and answers that cannot be."""

import json
from pathlib import Path

import pytest

from edgecnn.devices.bounded import Ran
from edgecnn.devices.measuring import Job, Plan, measure_there
from edgecnn.devices.transport import GoneError, LostError
from edgecnn.errors import EdgeCnnError, VerificationError

FACTS = {"model": "net", "mult_adds": 7, "bundle_sha256": "0" * 64, "date": "2026-01-01"}
ENVIRONMENT = {
    "runtime": "litert", "threads": 1, "boot": "a", "peak_rss_bytes": 9, "clock_jumped_s": 0.0,
    "before": {"governor": ["performance"]}, "after": {"governor": ["performance"]},
}  # fmt: skip
BENCH = {
    "artifact": "model.tflite", "precision": "fp32", "includes": "all", "steady": True,
    "times_s": [1e-6, 2e-6], "warmup_s": [], "init_s": 1e-6, "first_s": 1e-6,
    "max_abs_error": 0.0, "max_abs_error_allowed": 1.0,
}  # fmt: skip


class Told:
    """A device that gives one answer after another; what is an error is raised."""

    name, refusal = "board", ""

    def __init__(self, *answers):
        self.answers, self.asked, self.copied = list(answers), [], 0

    def put(self, folder):
        self.copied += 1
        return f"edgecnn-{self.copied:016x}"

    def run(self, place, words, timeout_s):
        self.asked.append(words)
        verifies = words[1] == "verify"
        answer = {"checks": [{"ok": True}]} if verifies else self.answers.pop(0) if self.answers else bench()
        if isinstance(answer, Exception):
            raise answer
        self._answer = json.dumps(answer).encode()
        return Ran(code=0, out=b"", err=b"")

    def get(self, place, name, most_bytes):
        return self._answer

    def remove(self, *places):
        pass

    def close(self):
        return []


def bench(environment=None, **changes):
    return {**BENCH, "environment": {**ENVIRONMENT, **(environment or {})}, **changes}


def job(name="net", **more):
    return Job(name=name, folder=Path(name), facts=FACTS, **more)


def test_every_job_has_its_turn_in_every_round_in_an_order_drawn_anew():
    device, turns = Told(), []
    found = measure_there(
        device,
        [job("a"), job("b"), job("c")],
        Plan(runs=12, rounds=6),
        lambda done, total, what: turns.append((done, total, what)),
    )
    assert [each.name for each in found] == ["a", "b", "c"]
    assert [len(each.times_s) for each in found] == [12] * 3
    assert [turn[:2] for turn in turns] == [(number, 3 + 18) for number in range(21)]
    names = [what.split(",")[0] for _, _, what in turns[3:]]
    rounds = [tuple(names[start : start + 3]) for start in range(0, 18, 3)]
    assert all(sorted(each) == ["a", "b", "c"] for each in rounds)
    assert len(set(rounds)) > 1


def test_one_bundle_is_copied_and_verified_once_whatever_the_threads():
    device = Told(bench(), bench({"threads": 2}), bench(), bench({"threads": 2}))
    jobs = [job(), job(threads=2)]
    order = measure_there(device, jobs, Plan(runs=2, rounds=1, seed=1), waits_s=())
    assert device.copied == 1
    assert [words[1] for words in device.asked] == ["verify", "bench", "bench"]
    assert [each.threads for each in order] == [1, 2]


def test_runs_are_shared_out_so_that_there_are_enough():
    assert Plan(runs=7, rounds=3).runs_a_round == 3


def test_what_is_lost_is_asked_again_and_what_is_gone_is_copied_again():
    device = Told(LostError("cut"), GoneError("gone"), bench())
    (found,) = measure_there(device, [job()], Plan(runs=2, rounds=1), waits_s=(0.0, 0.0))
    assert found.times_s == (1e-6, 2e-6)
    assert device.copied == 2


def test_an_engine_is_built_where_it_runs_once():
    device = Told({}, bench())
    measure_there(device, [job(build=("build_engine.py", "--precision", "fp16"))], Plan(runs=2, rounds=1))
    assert [words[0] for words in device.asked] == ["build_engine.py", "run.py", "run.py"]


def test_a_build_that_loses_its_connection_goes_on_in_the_same_folder():
    device = Told(LostError("cut"), {}, bench())
    built = job(build=("build_engine.py", "--precision", "fp16"))
    measure_there(device, [built], Plan(runs=2, rounds=1), waits_s=(0.0,))
    assert [words[0] for words in device.asked] == ["build_engine.py"] * 2 + ["run.py"] * 2
    assert device.copied == 1


def test_an_engine_that_is_gone_is_built_again():
    device = Told({}, GoneError("gone"), {}, bench())
    built = job(build=("build_engine.py", "--precision", "fp16"))
    measure_there(device, [built], Plan(runs=2, rounds=1), waits_s=(0.0,))
    assert [words[0] for words in device.asked] == [
        *("build_engine.py", "run.py", "run.py"),
        *("build_engine.py", "run.py"),
    ]
    assert device.copied == 2


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (bench(times_s=[100.0, 100.0]), "it says it ran for 200.0 s and was .* its clock is wrong"),
        (bench(times_s=[1e-6] * 3), "asked for 2 inferences, it says it made 3"),
        (bench(times_s=[-1.0, 1.0]), "its answer says times_s is"),
        (bench(times_s="fast"), "its answer says times_s is 'fast'"),
        (bench(init_s=None), "its answer says init_s is 'None'"),
        (bench(max_abs_error=2.0), "wrong outputs have no latency"),
        (bench(max_abs_error=None), "its answer says max_abs_error"),
        (bench({"threads": 4}), "its answer says threads is '4'"),
        (bench({"runtime": [[["x"]]]}), "its answer says runtime is"),
        (bench({"after": {"governor": ["powersave"]}}), r"governor changed from .* to .* while measuring"),
        ({}, "its answer says environment is 'None'"),
    ],
)  # fmt: skip
def test_an_answer_that_cannot_be_is_refused(answer, said):
    with pytest.raises(EdgeCnnError, match=said):
        measure_there(Told(answer), [job()], Plan(runs=2, rounds=1))


@pytest.mark.parametrize(
    ("second", "said"),
    [
        (bench({"boot": "b"}), "it was restarted; nothing was recorded"),
        (bench({"runtime": "other"}), "runtime was litert, then other"),
        (bench(precision="int8"), "are not one measurement's precision"),
    ],
)
def test_a_device_that_changed_between_rounds_is_not_recorded(second, said):
    with pytest.raises(EdgeCnnError, match=said):
        measure_there(Told(bench(), second), [job()], Plan(runs=4, rounds=2))


def test_a_wall_clock_that_jumps_changes_no_time_and_is_named():
    (found,) = measure_there(
        Told(bench({"clock_jumped_s": 3600.0}), bench()), [job()], Plan(runs=4, rounds=2)
    )
    assert found.times_s == (1e-6, 2e-6) * 2
    assert "its wall clock jumped by 3600 s; times are of another clock" in found.warnings


def test_outputs_that_are_wrong_there_are_not_measured():
    device = Told()
    device.run = lambda *_: setattr(device, "_answer", b'{"checks": [{"ok": false, "check": "outputs"}]}')
    with pytest.raises(VerificationError, match="net does not verify there: outputs"):
        measure_there(device, [job()], Plan())
    assert device.asked == []


def test_the_times_of_layers_are_read_and_joined_over_the_rounds():
    answers = [bench(layers=[{"layer": "conv", "median_s": time_s}]) for time_s in (1e-3, 3e-3)]
    (found,) = measure_there(Told(*answers), [job()], Plan(runs=4, rounds=2))
    assert [(each.layer, each.medians_s) for each in found.layers] == [("conv", (1e-3, 3e-3))]


@pytest.mark.parametrize(
    "layers",
    [
        "conv",
        [1],
        [{"layer": 1, "median_s": 1.0}],
        [{"layer": "conv"}],
        [{"layer": "conv", "median_s": -1.0}],
    ],
    ids=["a text", "a number", "no name", "no time", "a negative time"],
)
def test_layers_that_no_runner_tells_are_refused(layers):
    with pytest.raises(EdgeCnnError, match="its answer says layers is"):
        measure_there(Told(bench(layers=layers)), [job()], Plan(runs=2, rounds=1))
