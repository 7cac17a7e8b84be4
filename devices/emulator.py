"""An ARM board under user-mode emulation: a real aarch64 LiteRT, run by QEMU, in the user's cache.

It computes bit for bit what the board's processor computes and takes a hundred times as long. Nothing is
installed system-wide and no root rights are needed; boards differ in the processor only and share the files.
"""

import hashlib
import platform
import shutil
import sys
import tempfile
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

from edgecnn.atomic import write_folder
from edgecnn.devices import bounded
from edgecnn.devices.bounded import Bounds
from edgecnn.devices.emulator_files import (
    DEBIAN,
    PIP_PLATFORMS,
    PROCESSORS,
    QEMU,
    QEMU_MEMBER,
    SYSTEM,
    VERSION,
    WHEELS,
    Package,
)
from edgecnn.devices.failures import last_line, printable
from edgecnn.devices.user_cache import user_cache
from edgecnn.errors import EdgeCnnError, UnknownNameError

_APT = Path("/usr/lib/apt/apt-helper")
_FETCH_S, _UNPACK_S, _TRY_S = 600.0, 300.0, 120.0
_READY = "ready"
_TRIAL = "import numpy, platform, ai_edge_litert.interpreter; print(platform.machine(), numpy.__version__)"

Say = Callable[[str], None]


def cache() -> Path:
    """Return the folder of the emulator, in the user's cache, whether it is there or not."""
    return user_cache() / f"aarch64-{VERSION}"


def is_created() -> bool:
    """Return whether the emulator is there, whole."""
    return (cache() / _READY).is_file()


def emulated_python(board: str) -> tuple[str, ...]:
    """Return the words that run Python on an emulated board.

    Raises:
        EdgeCnnError: there is no such emulated board, or it has not been created.
    """
    processor = _processor(board)
    if not is_created():
        raise EdgeCnnError(
            f"emulated:{board} has not been set up on this machine;"
            f" run: edgecnn device create emulated:{board}"
        )
    return _python(cache(), processor)


def create(board: str, *, force: bool = False, on_stage: Say = lambda _: None) -> Path:
    """Set an emulated board up in the user's cache: fetch, check, unpack, and try it.

    Fetches about 100 MB through apt and pip, each file of a fixed version and checked by its SHA-256. There
    is never half an emulator: a failure leaves what was there before.

    Raises:
        EdgeCnnError: this machine cannot run it, or a file cannot be had or is not the right one.
    """
    processor = _processor(board)
    if is_created() and not force:
        return cache()
    _check_host()
    with (
        tempfile.TemporaryDirectory(prefix="edgecnn-") as scratch,
        write_folder(cache(), force=True) as folder,
    ):
        _fill(folder, Path(scratch), on_stage)
        on_stage("try it")
        ran = bounded.run((*_python(folder, processor), "-c", _TRIAL), Bounds(timeout_s=_TRY_S))
        if ran.code != 0 or not ran.out.startswith(b"aarch64"):
            said = last_line(printable(ran.err)) or f"exit code {ran.code}"
            raise EdgeCnnError(f"the emulator was fetched and does not run here: {said}")
        (folder / _READY).write_text(f"{VERSION}\n")
    return cache()


def _processor(board: str) -> str:
    if board not in PROCESSORS:
        raise UnknownNameError("emulated board", board, PROCESSORS)
    return PROCESSORS[board]


def _python(folder: Path, processor: str) -> tuple[str, ...]:
    root = folder / "root"
    qemu = (str(folder / "qemu-aarch64"), "-L", str(root), "-cpu", processor)
    paths = (f"PYTHONPATH={folder / 'site'}", f"PYTHONHOME={root / 'usr'}")
    return (*qemu, "-E", paths[0], "-E", paths[1], str(root / "usr" / "bin" / "python3.11"))


def _check_host() -> None:
    if platform.system() != "Linux" or platform.machine() != "x86_64":
        raise EdgeCnnError(
            f"the emulator is for x86-64 Linux, and this is {platform.system()} on {platform.machine()};"
            " verify on the board itself, with --device ssh://user@host"
        )
    if not _APT.is_file() or shutil.which("dpkg-deb") is None:
        raise EdgeCnnError(
            "the emulator is fetched with apt and unpacked with dpkg-deb, which this system has not; verify"
            " on the board itself, with --device ssh://user@host"
        )


def _fill(folder: Path, scratch: Path, on_stage: Say) -> None:
    for number, package in enumerate((QEMU, *SYSTEM)):
        on_stage(f"fetch {Path(package.path).name.split('_')[0]} ({number + 1} of {len(SYSTEM) + 1})")
        file = _fetch(package, scratch / f"{number}.deb")
        place = scratch / "qemu" if package is QEMU else folder / "root"
        _call(("dpkg-deb", "-x", str(file), str(place)), _UNPACK_S, "unpack a package of Debian")
    shutil.copy2(scratch / "qemu" / QEMU_MEMBER, folder / "qemu-aarch64")
    on_stage("fetch LiteRT and numpy for aarch64")
    for wheel in _fetch_wheels(scratch):
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(folder / "site")


def _fetch(package: Package, file: Path) -> Path:
    """Fetch a file of Debian's archive: from where its newest are, else from where all ever were."""
    reasons = []
    for mirror in DEBIAN:
        words = (str(_APT), "-o", "APT::Sandbox::User=", "download-file", f"{mirror}/{package.path}")
        ran = bounded.run((*words, str(file), f"SHA256:{package.sha256}"), Bounds(timeout_s=_FETCH_S))
        if ran.code == 0 and file.is_file() and _sha256(file) == package.sha256:
            return file
        reasons.append(last_line(printable(ran.err)) or f"exit code {ran.code}")
        file.unlink(missing_ok=True)
    raise EdgeCnnError(
        f"{Path(package.path).name} cannot be fetched from {' or '.join(DEBIAN)} ({'; '.join(reasons)});"
        " is this machine online, and apt's proxy right? Try again, or verify on the board itself"
    )


def _fetch_wheels(scratch: Path) -> Sequence[Path]:
    wanted = scratch / "requirements.txt"
    wanted.write_text("".join(f"{name} --hash=sha256:{digest}\n" for name, digest in WHEELS.items()))
    platforms = [word for name in PIP_PLATFORMS for word in ("--platform", name)]
    words = [sys.executable, "-m", "pip", "download", "-q", "--no-deps"]
    words += ["--only-binary=:all:", "--require-hashes"]
    words += ["--python-version", "3.11", "--implementation", "cp", *platforms]
    words += ["-r", str(wanted), "-d", str(scratch / "wheels")]
    _call(words, _FETCH_S, f"fetch {' and '.join(WHEELS)} for aarch64 with pip; is this machine online?")
    return sorted((scratch / "wheels").glob("*.whl"))


def _call(words: Sequence[str], timeout_s: float, what: str) -> None:
    ran = bounded.run(words, Bounds(timeout_s=timeout_s))
    if ran.code != 0:
        said = last_line(printable(ran.err)) or f"exit code {ran.code}"
        raise EdgeCnnError(f"cannot {what} ({said})")


def _sha256(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
