"""A device that is reached through a POSIX shell: this machine, ssh, adb, or an emulator.

The four differ in the words that stand before a command, and in what runs Python there. Every command is one
string for the device's shell; whatever stands in it is quoted. Folders get random names of our own under the
device's temporary folder, so that no path comes from the device.
"""

import re
import secrets
import shlex
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, TypeVar

from edgecnn.devices import bounded
from edgecnn.devices.bounded import Bounds, Ran
from edgecnn.devices.counting import Count, Counting
from edgecnn.devices.failures import GONE, failure
from edgecnn.devices.transport import LostError
from edgecnn.errors import EdgeCnnError

T = TypeVar("T")

_PREFIX = "edgecnn-"
_PLACE = re.compile(rf"{_PREFIX}[0-9a-f]{{16}}")
_FILE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}")
_SHORT_S, _COPY_S = 60.0, 1800.0
_SLOWEST_BYTES_PER_S = 1 << 16
_STALE_MINUTES = 24 * 60
_QUIET = "export PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 OPENBLAS_NUM_THREADS=1;"
_KILL_AFTER_S = 5
# Whether something still runs in this folder: a number that is another program's by now has another folder.
# Until it has ended it may write there once more, and takes the processor from what comes next.
_RUNS = '{ p=$(cat .pid 2>/dev/null); [ -n "$p" ] && [ "$(readlink "/proc/$p/cwd")" = "$(pwd -P)" ]; }'
_END = (
    f'{_RUNS} && kill "$p"; n=0; while [ $n -le {_KILL_AFTER_S} ] && {_RUNS}; do sleep 1; n=$((n + 1)); done;'
)


class Shell:
    """A device behind a shell; see `Transport`.

    Args:
        name: as the user named it.
        reach: the words before a command, such as `ssh host`.
        python: what runs Python there.
        temporary: where folders are made; a word of the device's shell.
        refusal: why times taken there say nothing.
        on_close: called at the end.
    """

    def __init__(
        self,
        name: str,
        reach: Sequence[str],
        *,
        python: Sequence[str] = ("python3",),
        temporary: str = '"${TMPDIR:-/tmp}"',
        refusal: str = "",
        on_close: Callable[[], None] = lambda: None,
    ) -> None:
        self.name, self.refusal = name, refusal
        self._reach, self._python, self._temporary = tuple(reach), tuple(python), temporary
        self._places: list[str] = []
        self._on_close = on_close

    def put(self, folder: Path) -> str:
        """Copy a folder's files into a new one on the device and return its name."""
        if not self._places:
            self._sweep()
        place = f"{_PREFIX}{secrets.token_hex(8)}"
        self._places.append(place)  # before anything is there, so that a broken copy is removed, too
        where = self._where(place)
        with _packed(folder) as packed:
            script = f"umask 077; mkdir {where} && cd {where} && tar -xf -"
            ran = bounded.run((*self._reach, script), Bounds(timeout_s=_COPY_S), packed)
        if ran.code != 0:
            raise failure(self.name, ran, _COPY_S)
        return place

    def run(self, place: str, words: Sequence[str], timeout_s: float, on_count: Count | None = None) -> Ran:
        """Run a Python script of that folder, in it; raise `EdgeCnnError` where it cannot be or fails.

        `on_count` is told of lines such as `37/588` that it prints. It is ended after `timeout_s` on the
        device itself, so that it does not outlive a broken connection; what such a connection has left
        running in that folder is ended first.
        """
        command = shlex.join([*self._python, *words])
        limit = f"timeout -k {_KILL_AFTER_S} {max(1, round(timeout_s))}"
        into = f"cd {self._where(place)} 2>/dev/null || exit {GONE};"
        script = f"{into} {_END} echo $$ > .pid; {_QUIET} exec {limit} {command}"
        heard = None if on_count is None else Counting(on_count)
        ran = self._ask(script, Bounds(timeout_s=timeout_s + _SHORT_S), heard)
        if ran.code != 0:
            raise failure(self.name, ran, timeout_s)
        return ran

    def get(self, place: str, name: str, most_bytes: int) -> bytes:
        """Return a file of that folder, whole; raise `EdgeCnnError` where it is larger than allowed."""
        if not _FILE.fullmatch(name):
            raise EdgeCnnError(f"{name!r} is no name of a file on a device")
        # Whatever the login scripts print comes before the mark.
        mark = secrets.token_hex(16)
        script = (
            f"cd {self._where(place)} 2>/dev/null || exit {GONE};"
            f" n=$(wc -c < {name}) && printf '\\n%s %s\\n' {mark} $n && head -c {most_bytes} {name}"
        )
        limit_s = _SHORT_S + most_bytes / _SLOWEST_BYTES_PER_S
        ran = self._ask(script, Bounds(timeout_s=limit_s, out_bytes=most_bytes + (1 << 16)))
        if ran.code != 0:
            raise failure(self.name, ran, limit_s)
        found = re.search(rb"\n" + mark.encode() + rb" +(\d{1,15})\r?\n", ran.out)
        if found is None:
            raise LostError(f"{self.name}: the connection broke while {name} was fetched")
        size, data = int(found[1]), ran.out[found.end() :]
        if size > most_bytes:
            raise EdgeCnnError(f"{self.name}: {name} has {size} bytes there, at most {most_bytes} are taken")
        if len(data) != size:
            raise LostError(f"{self.name}: {name} came with {len(data)} of {size} bytes")
        return data

    def remove(self, *places: str) -> None:
        """End what still runs in these folders, as after an interruption, and remove them."""
        if not places:
            return
        folders = [self._where(place) for place in places]
        ending = " ".join(f"(cd {each} 2>/dev/null && {{ {_END} }});" for each in folders)
        ran = self._ask(f"{ending} rm -rf {' '.join(folders)}", Bounds(timeout_s=_SHORT_S))
        if ran.code != 0:
            raise failure(self.name, ran, _SHORT_S)
        self._places = [place for place in self._places if place not in places]

    def close(self) -> list[str]:
        """Remove what was put there and let go of the device; return what could not be removed."""
        try:
            with suppress(EdgeCnnError):
                insist(lambda: self.remove(*self._places))
            return [f"{self._temporary.strip(chr(34))}/{place}" for place in self._places]
        finally:
            self._on_close()

    def _where(self, place: str) -> str:
        if not _PLACE.fullmatch(place):
            raise EdgeCnnError(f"{place!r} is no folder that edgecnn made on a device")
        return f"{self._temporary}/{place}"

    def _ask(self, script: str, bounds: Bounds, on_out: Callable[[bytes], None] | None = None) -> Ran:
        try:
            return bounded.run((*self._reach, script), bounds, on_out=on_out)
        except bounded.TooMuchError:
            raise EdgeCnnError(
                f"{self.name}: it printed more than {bounds.out_bytes} bytes; nothing of that was taken"
            ) from None

    def _sweep(self) -> None:
        """Remove what an earlier run, whose connection never came back, had to leave there."""
        removing = shlex.quote(f'cd "$1" && ! {_RUNS} && rm -rf "$1"')
        script = (
            f"find {self._temporary}/ -maxdepth 1 -type d -name '{_PREFIX}????????????????'"
            f' -user "$(id -u)" -mmin +{_STALE_MINUTES} -exec sh -c {removing} sh {{}} \\; 2>/dev/null; true'
        )
        ran = self._ask(script, Bounds(timeout_s=_SHORT_S))
        if ran.code != 0:
            raise failure(self.name, ran, _SHORT_S)


WAITS_S = (1.0, 4.0, 15.0, 40.0)  # a Raspberry Pi is back after half a minute


def insist(action: Callable[[], T], waits_s: Sequence[float] = WAITS_S[:2]) -> T:
    """Try again, after a while, what a broken connection kept from being done."""
    for wait_s in waits_s:
        try:
            return action()
        except LostError:
            time.sleep(wait_s)
    return action()


@contextmanager
def _packed(folder: Path) -> Iterator[IO[bytes]]:
    """Give a folder's plain files as tar, without owners and times; names may be long."""
    with tempfile.TemporaryFile(prefix=_PREFIX) as packed:
        try:
            with tarfile.open(fileobj=packed, mode="w", format=tarfile.GNU_FORMAT) as archive:
                for file in sorted(folder.rglob("*")):
                    if not file.is_symlink() and file.is_file() and "__pycache__" not in file.parts:
                        _pack(file, file.relative_to(folder).as_posix(), archive)
            packed.seek(0)
        except OSError as error:
            place = tempfile.gettempdir()
            raise EdgeCnnError(
                f"{folder} cannot be packed in {place} of this machine: {error.strerror or error}"
            ) from error
        yield packed


def _pack(file: Path, name: str, archive: tarfile.TarFile) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = file.stat().st_size, 0o644
    with file.open("rb") as content:
        archive.addfile(entry, content)
