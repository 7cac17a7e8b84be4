"""From a device's name to something that runs scripts there."""

import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from edgecnn.devices.address import Address
from edgecnn.devices.bounded import Bounds, run
from edgecnn.devices.emulator import emulated_python
from edgecnn.devices.failures import failure
from edgecnn.devices.shell import Shell, insist
from edgecnn.errors import EdgeCnnError

_SSH_OPTIONS = (
    "BatchMode=yes",
    "ConnectTimeout=15",
    "ServerAliveInterval=5",
    "ServerAliveCountMax=3",
    "ForwardAgent=no",
    "ForwardX11=no",
    "ClearAllForwardings=yes",
    "PermitLocalCommand=no",
    "RequestTTY=no",
)
_CONNECT_S = 60.0
_LONGEST_FOLDER = 80  # a socket's path has at most 108 bytes, and ssh appends 17 while it makes it
_INTO_A_FILE = 'said=$1; shift; "$@" 2>"$said" >/dev/null; code=$?; cat "$said" >&2; exit $code'
_PYTHON = re.compile(r"[A-Za-z0-9_./+][A-Za-z0-9_./+-]{0,254}")


@contextmanager
def reach(
    device: str,
    *,
    python: str | None = None,
    ssh_options: Sequence[str] = (),
    on_note: Callable[[str], None] = lambda _: None,
) -> Iterator[Shell]:
    """Give a device for as long as the block lasts; whatever was put there is removed at its end.

    Args:
        device: `local`, `ssh://user@host:port`, `adb:SERIAL` or `emulated:NAME`.
        python: the Python there; by default this one on `local`, else `python3`.
        ssh_options: further words for ssh, such as `-F` and a file.
        on_note: told what could not be removed.
    """
    address = Address.parse(device)
    if python is not None and not _PYTHON.fullmatch(python):
        raise EdgeCnnError(f"--python {python!r} is no path of letters, digits, '.', '_', '-' and '/'")
    with tempfile.TemporaryDirectory(prefix="edgecnn-") as folder:
        shell = _WAYS[address.way](address, python, Path(folder), ssh_options)
        try:
            yield shell
        finally:
            for left in shell.close():
                on_note(f"{left} is left on {device}, which cannot be reached; remove it there")


def _local(_address: Address, python: str | None, _folder: Path, _options: Sequence[str]) -> Shell:
    return Shell("local", ("sh", "-c"), python=(python or sys.executable,))


def _ssh(address: Address, python: str | None, folder: Path, options: Sequence[str]) -> Shell:
    """Connect once; every command goes through that connection, or makes one where it broke."""
    if shutil.which("ssh") is None:
        raise EdgeCnnError("ssh is not installed on this machine; install OpenSSH's client")
    if len(str(folder)) > _LONGEST_FOLDER:
        raise EdgeCnnError(f"{folder} is too long a path for ssh's socket; set TMPDIR to a shorter one")
    socket = str(folder / "c").replace("%", "%%")
    control = ("-o", f'ControlPath="{socket}"')
    words = ["ssh", *options, *(word for option in _SSH_OPTIONS for word in ("-o", option)), *control]
    words += ["-p", str(address.port)] if address.port else []
    words += ["-l", address.user] if address.user else []
    end = ("--", address.host)
    master = (*words, "-o", "ControlMaster=yes", "-o", "ControlPersist=300", "-N", "-f", *end)

    def connect() -> None:
        # What stays in the background would hold a pipe open: it says why it failed into a file.
        said = str(folder / "said")
        bounds = Bounds(timeout_s=_CONNECT_S, leaves=True)
        ran = run(("sh", "-c", _INTO_A_FILE, "sh", said, *master), bounds)
        if ran.code != 0:
            raise failure(address.text, ran, _CONNECT_S)

    def leave() -> None:
        run((*words, "-O", "exit", *end), Bounds(timeout_s=_CONNECT_S))

    insist(connect)
    return Shell(address.text, (*words, *end), python=(python or "python3",), on_close=leave)


def _adb(address: Address, python: str | None, _folder: Path, _options: Sequence[str]) -> Shell:
    if shutil.which("adb") is None:
        raise EdgeCnnError("adb is not installed on this machine; install Android's platform tools")
    serial = ("-s", address.serial) if address.serial else ()
    return Shell(
        address.text,
        ("adb", *serial, "shell", "-T"),
        python=(python or "python3",),
        temporary='"${TMPDIR:-/data/local/tmp}"',
    )


def _emulated(address: Address, python: str | None, _folder: Path, _options: Sequence[str]) -> Shell:
    if python is not None:
        raise EdgeCnnError(f"{address.text} brings its own Python; leave --python out")
    return Shell(
        address.text,
        ("sh", "-c"),
        python=emulated_python(address.board),
        refusal=no_times(address),
    )


def no_times(address: Address) -> str:
    """Return why times taken at an address say nothing; empty where they do."""
    if address.way != "emulated":
        return ""
    return (
        f"{address.text} computes what the board computes, and not as fast: its times say nothing about"
        " the board; measure on the board itself, with --device ssh://user@host"
    )


_WAYS: dict[str, Callable[[Address, str | None, Path, Sequence[str]], Shell]] = {
    "local": _local,
    "ssh": _ssh,
    "adb": _adb,
    "emulated": _emulated,
}
