"""Measuring on a device: outputs first, then rounds in which every bundle and number of threads has its turn.

Each turn is a process of its own: the runner of the bundle loads the artifact, compares its outputs, warms up
until its times are steady, and takes its share of the inferences. The order is drawn anew each round, so that
a board that grows hot, or is busy for a while, is so for all of them.
"""

import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edgecnn import units
from edgecnn.devices import answers
from edgecnn.devices.measurement import Environment, LayerTime, Measurement
from edgecnn.devices.rounds import merge
from edgecnn.devices.shell import WAITS_S
from edgecnn.devices.transport import GoneError, LostError, Transport
from edgecnn.errors import EdgeCnnError, VerificationError

_ANSWER = "answer.json"
_OUTPUTS = "outputs.npy"
_VERIFY_S, _BUILD_S, _START_S = 600.0, 7200.0, 300.0
_SLOWEST_INFERENCE_S = 30.0
# What may not change between rounds; the rest of what a runner says are readings.
_FIXED = (
    *("runtime", "threads", "board", "cpu", "machine", "system", "cpus", "usable_cpus", "python", "numpy"),
    *("gpu", "gpu_memory_bytes", "dla_core", "boot"),
)
_SETTINGS = ("governor", "power_mode")

Say = Callable[[int, int, str], None]


@dataclass(frozen=True, kw_only=True)
class Job:
    """One bundle to be measured with one number of threads.

    Attributes:
        name: of the bundle.
        folder: of its files on this machine.
        threads: CPU threads.
        options: further words for its runner, such as `--precision int8`.
        facts: fields of `Measurement` that the device cannot know.
        build: what is run there first, once, such as `build_engine.py`.
    """

    name: str
    folder: Path
    threads: int = 1
    options: tuple[str, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
    build: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How much is measured: inferences in all, in how many rounds, in an order drawn from a seed."""

    runs: int = 100
    rounds: int = 5
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("runs", "rounds"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 100_000:
                raise EdgeCnnError(f"{name}={value!r} is not a whole number from 1 to 100000")

    @property
    def runs_a_round(self) -> int:
        """Inferences in each round, so that there are at least as many as asked for."""
        return -(-self.runs // self.rounds)


class Placed:
    """The bundles that were put on a device, and how they are asked."""

    def __init__(self, device: Transport, waits_s: Sequence[float] = WAITS_S) -> None:
        self._device, self._waits_s = device, tuple(waits_s)
        self._places: dict[Path, str] = {}
        self._built: set[Path] = set()

    def ask(self, job: Job, words: Sequence[str], timeout_s: float) -> dict[str, Any]:
        """Run a command of the bundle's runner on the device and return its answer."""

        def once() -> dict[str, Any]:
            place = self._place(job)
            self._device.run(place, ("run.py", *words, "--out", _ANSWER), timeout_s)
            data = self._device.get(place, _ANSWER, answers.MOST_BYTES)
            return answers.read_answer(data, self._device.name)

        found: dict[str, Any] = self._insist(job, once)
        return found

    def outputs(self, job: Job, most_bytes: int) -> bytes:
        """Return the file of outputs that `verify` left there."""

        def once() -> bytes:
            if job.folder not in self._places:
                raise EdgeCnnError(f"{self._device.name} was restarted meanwhile; run it again")
            return self._device.get(self._places[job.folder], _OUTPUTS, most_bytes)

        found: bytes = self._insist(job, once)
        return found

    def _place(self, job: Job) -> str:
        if job.folder not in self._places:
            self._places[job.folder] = self._device.put(job.folder)
            self._built.discard(job.folder)
        place = self._places[job.folder]
        if job.build and job.folder not in self._built:
            # Where a connection broke, in the same folder: an earlier build of it is ended there first.
            self._device.run(place, job.build, _BUILD_S)
            self._built.add(job.folder)
        return place

    def _insist(self, job: Job, action: Callable[[], Any]) -> Any:
        """Try again where a connection broke; where the files are gone, copy them again."""
        for wait_s in self._waits_s:
            try:
                return action()
            except GoneError:
                self._places.pop(job.folder, None)
            except LostError:
                time.sleep(wait_s)
        return action()


def verify_there(placed: Placed, job: Job) -> dict[str, Any]:
    """Check a bundle's files and outputs on the device and return the runner's answer.

    Raises:
        VerificationError: something is wrong there, named.
    """
    found = placed.ask(
        job, ("verify", "--threads", str(job.threads), *job.options, "--outputs", _OUTPUTS), _VERIFY_S
    )
    checks = found.get("checks")
    if not isinstance(checks, list) or not checks or not all(isinstance(each, dict) for each in checks):
        raise EdgeCnnError(f"{job.name}: the device's answer names no checks")
    for check in checks:
        if check.get("ok") is not True:
            raise VerificationError(
                f"{job.name} does not verify there: {check.get('check')}: {check.get('detail')}"
            )
    return found


def measure_there(
    device: Transport,
    jobs: Sequence[Job],
    plan: Plan,
    on_turn: Say = lambda *_: None,
    waits_s: Sequence[float] = WAITS_S,
) -> list[Measurement]:
    """Measure every job in interleaved rounds and return one measurement each, in the order of the jobs.

    Raises:
        VerificationError: outputs are wrong there; nothing has been measured then.
        EdgeCnnError: times taken there say nothing, or the device cannot be reached, or changed meanwhile.
    """
    placed, bundles = Placed(device, waits_s), {job.folder: job for job in jobs}
    total = len(bundles) + len(jobs) * plan.rounds
    for number, job in enumerate(bundles.values()):
        on_turn(number, total, f"verify {job.name}")
        verify_there(placed, job)
    if device.refusal:
        names = ", ".join(job.name for job in bundles.values())
        raise EdgeCnnError(f"{device.refusal} (verified there: {names})")
    parts: list[list[Measurement]] = [[] for _ in jobs]
    draw, done = random.Random(plan.seed), len(bundles)  # noqa: S311  an order, not a secret
    for turn in range(plan.rounds):
        for index in draw.sample(range(len(jobs)), len(jobs)):
            job = jobs[index]
            on_turn(done, total, f"{job.name}, {units.several(job.threads, 'thread')}, round {turn + 1}")
            parts[index].append(_turn(placed, device.name, job, plan))
            done += 1
    return [merge(each) for each in parts]


def _turn(placed: Placed, device: str, job: Job, plan: Plan) -> Measurement:
    runs = plan.runs_a_round
    words = ("bench", "--runs", str(runs), "--threads", str(job.threads), *job.options)
    begin = time.monotonic()
    found = placed.ask(job, words, _START_S + runs * _SLOWEST_INFERENCE_S)
    part = _part(found, device, job)
    claimed_s, here_s = sum(part.times_s) + sum(part.init_s), time.monotonic() - begin
    if len(part.times_s) != runs:
        raise EdgeCnnError(f"{device}: asked for {runs} inferences, it says it made {len(part.times_s)}")
    if claimed_s > 1.05 * here_s + 0.1:
        raise EdgeCnnError(
            f"{device}: it says it ran for {claimed_s:.1f} s and was asked {here_s:.1f} s ago; its clock is"
            " wrong"
        )
    return part


def _part(found: Mapping[str, Any], device: str, job: Job) -> Measurement:
    """Read one round's answer."""

    def get(name: str, is_right: Callable[[Any], bool], within: Mapping[str, Any] = found) -> Any:
        return answers.field(within, name, is_right, device)

    told = get("environment", lambda value: isinstance(value, dict))
    before, after = (get(name, answers.is_readings, told) for name in ("before", "after"))
    fixed = {key: get(key, answers.is_setting, told) for key in _FIXED if told.get(key) is not None}
    get("threads", lambda value: value in (None, job.threads), told)
    for key in _SETTINGS:
        if before.get(key) != after.get(key):
            raise EdgeCnnError(
                f"{device}: {key} changed from {before.get(key)} to {after.get(key)} while measuring"
            )
        fixed |= {key: before[key]} if key in before else {}
    times: dict[str, Any] = {key: tuple(get(key, answers.is_durations)) for key in ("times_s", "warmup_s")}
    single: dict[str, Any] = {key: (get(key, answers.is_duration),) for key in ("init_s", "first_s")}
    texts = {key: get(key, answers.is_text) for key in ("artifact", "precision", "includes")}
    jumped_s = get("clock_jumped_s", answers.is_number, told)
    errors = {key: get(key, answers.is_number) for key in ("max_abs_error", "max_abs_error_allowed")}
    environment = Environment(
        fixed=fixed, before=before, after=after, peak_rss_bytes=get("peak_rss_bytes", answers.is_number, told)
    )
    layers = tuple(
        LayerTime(layer=each["layer"], medians_s=(each["median_s"],))
        for each in get("layers", _are_layers, {"layers": [], **found})
    )
    steady = bool(get("steady", lambda value: isinstance(value, bool)))
    return Measurement(
        name=job.name, device=device, steady=steady, clock_jumped_s=jumped_s, environment=environment,
        layers=layers,
        **times, **single, **texts, **errors, **job.facts,
    )  # fmt: skip


def _are_layers(value: Any) -> bool:
    """Return whether a value is a list of layers with a name and a time each."""
    if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
        return False
    times = [each.get("median_s") for each in value]
    return all(answers.is_text(each.get("layer")) for each in value) and all(
        answers.is_number(time_s) and time_s >= 0 for time_s in times
    )
