"""`edgecnn device fit`: micro-networks on a device, and from their times what a network will take there."""

import datetime as dt
import tempfile
from collections.abc import Callable, Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import edgecnn.export.board
from edgecnn import devices
from edgecnn.devices import answers, fits
from edgecnn.devices.counting import Count
from edgecnn.devices.fit import Fit
from edgecnn.devices.fitting import Timed, fit
from edgecnn.devices.reach import reach
from edgecnn.devices.shell import WAITS_S, insist
from edgecnn.devices.transport import Transport
from edgecnn.errors import EdgeCnnError, UnknownNameError
from edgecnn.export import tflite
from edgecnn.export.recorder.record import record
from edgecnn.graph.tflite_file import read_tflite
from edgecnn.pipeline.lowering import lowered
from edgecnn.pipeline.micro_networks import Micro, micro_networks
from edgecnn.pipeline.micro_singles import REFERENCE
from edgecnn.pipeline.visits import latencies_s, read_visits
from edgecnn.version import __version__

PRECISIONS = ("fp32", "int8")
PASSES = 2  # over all files
SCRIPT, RUNNER = "time_networks.py", "run.py"
_HOST, _ANSWER, _LONGEST_S = "host", "answer.json", 7200.0

Say = Callable[[str], None]


def fit_device(
    device: str = "local",
    *,
    target: str | None = None,
    threads: int = 1,
    precisions: Sequence[str] = PRECISIONS,
    python: str | None = None,
    seed: int = 0,
    share: float = 1.0,
    ssh_options: Sequence[str] = (),
    on_step: Say = lambda _: None,
    on_count: Count = lambda _done, _of: None,
    on_note: Say = lambda _: None,
) -> list[Fit]:
    """Run micro-networks on a device that runs LiteRT, fit their latency, and keep the fits in the cache.

    Args:
        device: `local`, `ssh://user@host` or `adb:SERIAL`.
        target: the name of its profile, so that `profile --device NAME` predicts with this fit.
        threads: CPU threads.
        precisions: which of `PRECISIONS`.
        python: the Python there.
        seed: of the micro-networks and of their order.
        share: how many of the micro-networks, of all.
        ssh_options: further words for ssh.
        on_step: told what is being done.
        on_count: told how much of the timing is done, and of how much; after a broken connection it begins
            anew.
        on_note: told what could not be removed from the device.

    Returns:
        One fit for each precision.

    Raises:
        EdgeCnnError: the device cannot be reached, is an emulated one, or runs no LiteRT.
    """
    target = _target(device, target)
    for precision in precisions:
        if precision not in PRECISIONS:
            raise UnknownNameError("precision", precision, PRECISIONS)
    if isinstance(threads, bool) or not 1 <= threads <= 256 or not 0 < share <= 1:
        raise EdgeCnnError(
            f"threads={threads!r} has to be from 1 to 256, and share={share!r} above 0, at most 1"
        )
    options: dict[str, Any] = {"python": python, "ssh_options": ssh_options, "on_note": on_note}
    with tempfile.TemporaryDirectory(prefix="edgecnn-") as place, reach(device, **options) as there:
        if there.refusal:
            raise EdgeCnnError(there.refusal)
        folder = Path(place)
        stacks = _write(folder, precisions, (seed, share), on_step)
        on_step(f"time {len(stacks)} micro-networks on {device}")
        reference = file_name(f"{REFERENCE}-0", precisions[0])
        found = time_there(there, folder, reference, threads=threads, seed=seed, on_count=on_count)
        on_step("fit")
        taken = latencies_s(read_visits(found, stacks, device))
        made = []
        for precision in precisions:
            timed = timed_files(folder, {name: stacks[name] for name in stacks if precision in name}, taken)
            made.append(fit_of(timed, found, {"device": device, "target": target, "precision": precision}))
    for each in made:
        fits.keep(each)
    return made


def time_there(
    there: Transport,
    folder: Path,
    reference: str,
    *,
    threads: int = 1,
    seed: int = 0,
    on_count: Count | None = None,
) -> dict[str, Any]:
    """Time the `.tflite` files of a folder on a device, beside one of them; return the script's answer.

    Where the connection breaks meanwhile, the script begins anew.
    """
    for script in (SCRIPT, RUNNER):
        (folder / script).write_bytes((files(edgecnn.export.board) / script).read_bytes())
    remote = there.put(folder)
    words = (
        SCRIPT,
        "--reference",
        reference,
        "--threads",
        str(threads),
        "--seed",
        str(seed),
        "--out",
        _ANSWER,
    )
    insist(lambda: there.run(remote, words, _LONGEST_S, on_count), WAITS_S)
    data = insist(lambda: there.get(remote, _ANSWER, answers.MOST_BYTES), WAITS_S)
    return answers.read_answer(data, there.name)


def _target(device: str, target: str | None) -> str | None:
    if device == "local" and target in (None, _HOST):
        return _HOST
    if target is None:
        return None
    if devices.find(target).runtime != "litert":
        raise EdgeCnnError(
            f"{target} does not run LiteRT, which is what can be fitted; see edgecnn list targets"
        )
    return target


def _write(folder: Path, precisions: Sequence[str], draw: tuple[int, float], on_step: Say) -> dict[str, bool]:
    """Write the files; return which of them are stacks."""
    stacks = {}
    for micro in micro_networks(*draw):
        on_step(f"make {micro.name}")
        for precision in precisions if not micro.only_int8 else {"int8"} & {*precisions}:
            name = file_name(micro.name, precision)
            (folder / name).write_bytes(compiled(micro, precision))
            stacks[name] = micro.stack
    return stacks


def compiled(micro: Micro, precision: str) -> bytes:
    """Return the `.tflite` file of a micro-network; int8 is calibrated on random numbers."""
    return tflite.write(lowered(record(micro.module, micro.shape), precision))


def file_name(network: str, precision: str) -> str:
    """Return the name of a network's file."""
    return f"{network}.{precision}.tflite"


def timed_files(folder: Path, stacks: Mapping[str, bool], latencies: Mapping[str, float]) -> list[Timed]:
    """Return the files of a folder with their latencies; `stacks` says which are stacks."""
    return [
        Timed(
            name=name, graph=read_tflite((folder / name).read_bytes()), latency_s=latencies[name], stack=stack
        )
        for name, stack in stacks.items()
    ]


def fit_of(timed: Sequence[Timed], found: dict[str, Any], facts: dict[str, Any]) -> Fit:
    """Return the fit of files with their latencies; `found` is the script's answer, `facts` what it lacks."""
    device = facts["device"]
    told = answers.field(found, "environment", lambda value: isinstance(value, dict), device)
    made = fit(timed)
    return Fit(
        **facts,
        runtime=answers.field(told, "runtime", answers.is_text, device),
        cpu=answers.field(told, "cpu", lambda value: value is None or answers.is_text(value), device),
        threads=answers.field(told, "threads", answers.is_number, device),
        date=dt.datetime.now(dt.UTC).date().isoformat(),
        edgecnn=__version__,
        tiles=made.tiles,
        seconds=made.seconds,
        ranges=made.ranges,
        errors=made.errors,
        networks=len(timed),
    )
