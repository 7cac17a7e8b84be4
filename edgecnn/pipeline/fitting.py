"""`edgecnn device fit`: micro-networks on a device, and from their times what a network will take there."""

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import edgecnn.export.board
from edgecnn import devices
from edgecnn.device import DeviceProfile
from edgecnn.devices import answers, fits
from edgecnn.devices.address import Address
from edgecnn.devices.cost_models import LITERT
from edgecnn.devices.counting import Count
from edgecnn.devices.fit import Fit
from edgecnn.devices.reach import no_times, reach
from edgecnn.devices.shell import WAITS_S, insist
from edgecnn.devices.transport import Transport
from edgecnn.errors import EdgeCnnError
from edgecnn.pipeline.fitting_ways import WAYS, Way
from edgecnn.pipeline.micro_networks import micro_networks
from edgecnn.pipeline.micro_singles import REFERENCE
from edgecnn.pipeline.timed_networks import check_gpu, fit_of, left_out, timed_files
from edgecnn.pipeline.visits import latencies_s, read_visits

PASSES = 2  # over all files
_HOST, _ANSWER = "host", "answer.json"
_SOON_S = 180.0  # a look at what is there: CUDA alone may take seconds to start

Say = Callable[[str], None]


def fit_device(
    device: str = "local",
    *,
    target: str | None = None,
    threads: int = 1,
    precisions: Sequence[str] | None = None,
    python: str | None = None,
    seed: int = 0,
    share: float = 1.0,
    ssh_options: Sequence[str] = (),
    on_step: Say = lambda _: None,
    on_count: Count = lambda _done, _of: None,
    on_note: Say = lambda _: None,
) -> list[Fit]:
    """Run micro-networks on a device that runs LiteRT or TensorRT, and keep their fits in the cache.

    Args:
        device: `local`, `ssh://user@host` or `adb:SERIAL`.
        target: the name of its profile, so that `profile --device NAME` predicts with this fit; the profile
            says whether LiteRT or TensorRT runs there, LiteRT where there is none.
        threads: CPU threads, of LiteRT.
        precisions: of `fp32`, `fp16` and `int8`; by default all that the target has and can be fitted.
        python: the Python there.
        seed: of the micro-networks and of their order.
        share: how many of the micro-networks, of all.
        ssh_options: further words for ssh.
        on_step: told what is being done.
        on_count: told how much of the building, then of the timing is done, and of how much; after a broken
            connection it begins anew.
        on_note: told what could not be removed from the device, and which networks it could not run.

    Returns:
        One fit for each precision.

    Raises:
        EdgeCnnError: the device cannot be reached, is an emulated one, has another GPU than its profile, or
            runs too few of the networks.
    """
    order = _order(device, target, precisions, threads)
    if isinstance(threads, bool) or not 1 <= threads <= 256 or not 0 < share <= 1:
        raise EdgeCnnError(
            f"threads={threads!r} has to be from 1 to 256, and share={share!r} above 0, at most 1"
        )
    options: dict[str, Any] = {"python": python, "ssh_options": ssh_options, "on_note": on_note}
    with tempfile.TemporaryDirectory(prefix="edgecnn-") as place, reach(device, **options) as there:
        on_step(f"look at {device}")
        _check_there(there, order)
        folder = Path(place)
        stacks = _write(order, folder, (seed, share), on_step)
        on_step(f"{order.way.does} {len(stacks)} micro-networks on {device}")
        found = time_there(there, folder, order.way, _words(order, seed), on_count)
        on_step("fit")
        made = _fits(order, folder, stacks, found, on_note)
    for each in made:
        fits.keep(each)
    return made


@dataclass(frozen=True, kw_only=True)
class _Order:
    """What is to be fitted, and how; `profile` is None for a device that is known by its address alone."""

    device: str
    profile: DeviceProfile | None
    way: Way
    precisions: tuple[str, ...]
    threads: int


def _order(device: str, target: str | None, precisions: Sequence[str] | None, threads: int) -> _Order:
    """Return what is to be fitted; raise `EdgeCnnError`, before any work, for what cannot be."""
    if refusal := no_times(Address.parse(device)):
        raise EdgeCnnError(refusal)
    profile = _profile(device, target)
    way = WAYS[LITERT if profile is None else profile.runtime]
    if threads != 1 and not way.has_threads:
        raise EdgeCnnError("TensorRT runs networks on the GPU, and not on CPU threads; leave --threads out")
    chosen = _precisions(way, profile, precisions)
    return _Order(device=device, profile=profile, way=way, precisions=chosen, threads=threads)


def _fits(
    order: _Order, folder: Path, stacks: Mapping[str, bool], found: dict[str, Any], on_note: Say
) -> list[Fit]:
    """Return a fit for each precision."""
    device, target = order.device, None if order.profile is None else order.profile.name
    check_gpu(found, order.profile, device)
    missing = left_out(found, stacks, device)
    for name, reason in missing.items():
        on_note(f"{name} is left out, which {device} could not run: {reason}")
    taken = latencies_s(read_visits(found, [name for name in stacks if name not in missing], device))
    made = []
    for precision in order.precisions:
        own = [name for name in stacks if name.endswith(order.way.file_name("", precision))]
        timed = timed_files(folder, {name: stacks[name] for name in own if name in taken}, taken, order.way)
        without = {name: missing[name] for name in own if name in missing}
        facts = {"device": device, "target": target, "precision": precision, "left_out": without}
        made.append(fit_of(timed, found, facts, order.way))
    return made


def _words(order: _Order, seed: int) -> list[str]:
    """Return the words for the script: the reference is of the first precision."""
    reference = order.way.file_name(f"{REFERENCE}-0", order.precisions[0])
    words = ["--reference", reference, "--passes", str(PASSES), "--seed", str(seed), *order.way.pace]
    return [*words, "--threads", str(order.threads)] if order.way.has_threads else [*words, *_gpu(order)]


def _gpu(order: _Order) -> list[str]:
    gpu = None if order.profile is None else order.profile.gpu
    return [] if gpu is None else ["--sm", gpu.sm]


def _check_there(there: Transport, order: _Order) -> None:
    """Raise `EdgeCnnError` where the device lacks what runs networks, before gigabytes are made for it."""
    with tempfile.TemporaryDirectory(prefix="edgecnn-") as place:
        _put_scripts(order.way, Path(place))
        remote = there.put(Path(place))
        insist(lambda: there.run(remote, (order.way.scripts[0], "--check", *_gpu(order)), _SOON_S), WAITS_S)
        there.remove(remote)


def _put_scripts(way: Way, folder: Path) -> None:
    for script in way.scripts:
        (folder / script).write_bytes((files(edgecnn.export.board) / script).read_bytes())


def time_there(
    there: Transport, folder: Path, way: Way, words: Sequence[str], on_count: Count | None = None
) -> dict[str, Any]:
    """Time the files of a folder on a device, beside one of them; return the script's answer.

    Where the connection breaks meanwhile, the script begins anew; engines that are built stay.
    """
    _put_scripts(way, folder)
    remote = there.put(folder)
    command = (way.scripts[0], *words, "--out", _ANSWER)
    insist(lambda: there.run(remote, command, way.longest_s, on_count), WAITS_S)
    data = insist(lambda: there.get(remote, _ANSWER, answers.MOST_BYTES), WAITS_S)
    return answers.read_answer(data, there.name)


def _profile(device: str, target: str | None) -> DeviceProfile | None:
    if target is None and device != "local":
        return None
    profile = devices.find(target or _HOST)
    if profile.runtime not in WAYS:
        raise EdgeCnnError(
            f"{profile.name} does not run LiteRT or TensorRT, which are what can be fitted; see edgecnn list"
            " targets"
        )
    if profile.runtime != LITERT and profile.is_family:
        raise EdgeCnnError(
            f"{profile.name} is a family, whose boards differ; name the one that it is, of"
            f" {', '.join(profile.members)}"
        )
    return profile


def _precisions(way: Way, profile: DeviceProfile | None, asked: Sequence[str] | None) -> tuple[str, ...]:
    """Return the precisions to fit."""
    has = way.precisions if profile is None or way.runs == LITERT else profile.precisions
    able = tuple(each for each in way.precisions if each in has)
    for name in asked or ():
        if name not in able:
            where = "a device that runs LiteRT" if way.runs == LITERT or profile is None else profile.name
            raise EdgeCnnError(
                f"{name!r} is no precision that {where} can be fitted in; give {' or '.join(able)}"
            )
    return tuple(dict.fromkeys(asked)) if asked else able


def _write(order: _Order, folder: Path, draw: tuple[int, float], on_step: Say) -> dict[str, bool]:
    """Write the files; return which of them are stacks."""
    stacks = {}
    for micro in micro_networks(*draw, order.way.kinds):
        on_step(f"make {micro.name}")
        for precision in order.precisions if not micro.only_int8 else {"int8"} & {*order.precisions}:
            name = order.way.file_name(micro.name, precision)
            (folder / name).write_bytes(order.way.compiled(micro, precision))
            stacks[name] = micro.stack
    return stacks
