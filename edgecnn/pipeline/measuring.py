"""`edgecnn bench` and `edgecnn verify --device`: bundles, and .tflite files, on a device."""

import datetime as dt
import hashlib
import io
import tempfile
import tokenize
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from edgecnn.devices.measurement import Measurement
from edgecnn.devices.measuring import Job, Placed, Plan, measure_there, verify_there
from edgecnn.devices.reach import reach
from edgecnn.errors import EdgeCnnError
from edgecnn.export.bundle import (
    MANIFEST,
    SAMPLE_INPUT,
    SAMPLE_OUTPUT,
    Bundle,
    is_bundle,
    is_zip,
    open_bundle,
)
from edgecnn.export.verify import Check
from edgecnn.pipeline.tflite_bundle import write_tflite_bundle

Say = Callable[[int, int, str], None]
_MOST_HEADER_BYTES = 4096  # of a .npy file
_BUILD = {"--dla": ("--dla", "0")}  # the runner's words, as build_engine.py has them


def measure(
    bundles: Sequence[str | Path],
    device: str = "local",
    *,
    threads: Sequence[int] = (1,),
    runs: int = 100,
    rounds: int = 5,
    precision: str | None = None,
    dla: bool = False,
    python: str | None = None,
    seed: int = 0,
    ssh_options: Sequence[str] = (),
    on_turn: Say = lambda *_: None,
    on_note: Callable[[str], None] = lambda _: None,
) -> list[Measurement]:
    """Measure the latency of bundles on a device, in interleaved rounds, after verifying their outputs there.

    Args:
        bundles: folders, zips, or `.tflite` files, whose outputs are compared with this host's LiteRT.
        device: `local`, `ssh://user@host`, `adb:SERIAL`; see `edgecnn.devices.reach`.
        threads: numbers of CPU threads; each bundle is measured with each.
        runs: timed inferences of each, shared out over the rounds.
        rounds: processes that each of them gets.
        precision: which artifact of a bundle that has several; by default the fastest.
        dla: the engine for a DLA.
        python: the Python there.
        seed: of the order, and of the sample of a `.tflite` file.
        ssh_options: further words for ssh.
        on_turn: told of each turn: turns done, turns in all, and which begins.
        on_note: told what could not be removed from the device.

    Returns:
        One measurement for each bundle and number of threads, in that order.

    Raises:
        VerificationError: outputs are wrong there.
        EdgeCnnError: the device cannot be reached, or is an emulated one, whose times say nothing.
    """
    plan, options = Plan(runs=runs, rounds=rounds, seed=seed), _options(precision, dla)
    if not bundles:
        raise EdgeCnnError("there is nothing to measure; name a bundle")
    _check_threads(threads)
    with ExitStack() as opened:
        jobs = [
            replace(job, threads=number)
            for job in [opened.enter_context(_job(Path(path), options, seed)) for path in bundles]
            for number in threads
        ]
        there = opened.enter_context(reach(device, python=python, ssh_options=ssh_options, on_note=on_note))
        return measure_there(there, jobs, plan, on_turn)


def verify_on(
    bundle: str | Path,
    device: str,
    *,
    python: str | None = None,
    ssh_options: Sequence[str] = (),
    on_note: Callable[[str], None] = lambda _: None,
) -> list[Check]:
    """Verify a bundle on a device, and say how far its outputs there are from this host's.

    Args:
        bundle: a folder, a zip, or a `.tflite` file.
        device: `ssh://user@host`, `adb:SERIAL`, `emulated:pi4` or `local`.
        python: the Python there.
        ssh_options: further words for ssh.
        on_note: told what could not be removed from the device.

    Returns:
        One check for each file and output, and one beside this host.

    Raises:
        EdgeCnnError: something is wrong there, or the device cannot be reached.
    """
    with ExitStack() as opened:
        job = opened.enter_context(_job(Path(bundle), (), 0))
        there = opened.enter_context(reach(device, python=python, ssh_options=ssh_options, on_note=on_note))
        placed = Placed(there)
        found = verify_there(placed, job)
        checks = [
            Check(what=str(each.get("check")), ok=True, detail=str(each.get("detail") or "as it was written"))
            for each in found["checks"]
        ]
        if job.build:
            return checks
        most_bytes = (job.folder / SAMPLE_OUTPUT).stat().st_size + _MOST_HEADER_BYTES
        outputs = _read_outputs(placed.outputs(job, most_bytes), device)
        return [*checks, _beside_this_host(job, outputs, f"{found.get('runtime')} on {found.get('machine')}")]


def _read_outputs(data: bytes, device: str) -> np.ndarray:
    """Return the array of a .npy file that a device sent; nothing in it is believed that its size denies."""
    file = io.BytesIO(data)
    try:
        version = np.lib.format.read_magic(file)
        read = (
            np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        )
        shape, by_columns, kind = read(file)
        if by_columns or kind != np.float32:
            raise EdgeCnnError(f"{device}: the outputs that it sent are no float32 array in C's order")
        return np.frombuffer(file.read(), np.float32).reshape([int(size) for size in shape])
    except (ValueError, TypeError, OverflowError, tokenize.TokenError) as error:
        raise EdgeCnnError(f"{device}: the outputs that it sent are no array ({error})") from error


def _beside_this_host(job: Job, outputs: np.ndarray, where: str) -> Check:
    """Compare with this host's LiteRT: what differs is between the two processors' kernels."""
    from edgecnn.runtime.litert_runner import LitertRunner

    with open_bundle(job.folder) as bundle:
        here = LitertRunner(bundle.folder / _tflite(bundle))(bundle.array(SAMPLE_INPUT))
    what = f"{where} beside this host"
    if outputs.shape != here.shape:
        return Check(what=what, ok=False, detail=f"shape {outputs.shape}, here {here.shape}")
    if outputs.tobytes() == here.tobytes():
        return Check(what=what, ok=True, detail="identical bytes")
    error = float(np.abs(outputs.astype(np.float64) - here).max())
    return Check(what=what, ok=bool(np.isfinite(error)), detail=f"outputs differ by up to {error:.3g}")


def _tflite(bundle: Bundle) -> str:
    """Return the artifact that the runner takes where none is named: the fastest precision first."""
    found = [each for each in bundle.manifest["artifacts"] if each["format"] == "tflite"]
    return str(next((each for each in found if each["precision"] == "int8"), found[0])["path"])


def _check_threads(threads: Sequence[int]) -> None:
    for number in threads:
        if isinstance(number, bool) or not isinstance(number, int) or not 1 <= number <= 256:
            raise EdgeCnnError(f"threads={number!r} is not a whole number from 1 to 256")
    if not threads or len(set(threads)) != len(threads):
        raise EdgeCnnError(
            f"threads {', '.join(map(str, threads)) or 'none'}: give one number or several, each once"
        )


def _options(precision: str | None, dla: bool) -> tuple[str, ...]:
    return (*(("--precision", precision) if precision else ()), *(("--dla",) if dla else ()))


@contextmanager
def _job(path: Path, options: tuple[str, ...], seed: int) -> Iterator[Job]:
    """Give what is measured of a bundle or file, its files unpacked for as long as the block lasts."""
    if path.suffix.lower() == ".tflite" and path.is_file():
        with tempfile.TemporaryDirectory(prefix="edgecnn-") as folder:
            write_tflite_bundle(path, Path(folder) / "bundle", seed)
            with open_bundle(Path(folder) / "bundle") as bundle:
                yield _job_of(bundle, path.name, options)
        return
    if not is_bundle(path):
        raise EdgeCnnError(_refusal(path))
    with open_bundle(path) as bundle:
        name = bundle.manifest["name"]
        yield _job_of(bundle, str(name), options)


def _job_of(bundle: Bundle, name: str, options: tuple[str, ...]) -> Job:
    manifest: Mapping[str, Any] = bundle.manifest
    if manifest["runtime"] == "tflite-micro":
        raise EdgeCnnError(
            f"{name} is for {manifest['target']}, a microcontroller, which edgecnn cannot reach: flash a"
            " build of the bundle's main.cc, which runs the sample there, and time interpreter.Invoke() in it"
        )
    digest = hashlib.sha256((bundle.folder / MANIFEST).read_bytes()).hexdigest()
    facts = {
        "model": manifest["model"]["spec"],
        "mult_adds": manifest["totals"]["mult_adds"],
        "recipe": tuple(manifest["recipe"]) if "recipe" in manifest else None,  # a file alone has none
        "bundle_sha256": digest,
        "date": dt.date.today().isoformat(),
    }
    build = ("build_engine.py", *(word for option in options for word in _BUILD.get(option, (option,))))
    needs_engine = manifest["runtime"] == "tensorrt"
    return Job(
        name=name, folder=bundle.folder, options=options, facts=facts, build=build if needs_engine else ()
    )


def _refusal(path: Path) -> str:
    if path.suffix.lower() == ".onnx" and path.is_file():
        return f"{path} is a graph: export it first, with edgecnn export {path} --target TARGET -o BUNDLE"
    if path.exists() or is_zip(path) or path.suffix:
        return f"{path} is no bundle and no .tflite file" + ("" if path.exists() else ", or is not there")
    return (
        f"there is no bundle {path}; if that is a network, export it first: edgecnn export {path}"
        " --target TARGET -o BUNDLE"
    )
