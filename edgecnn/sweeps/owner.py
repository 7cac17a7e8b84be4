"""Who does a job: a process, told from every other, and whether one of this machine is still alive."""

import os
import secrets
import socket
from contextlib import suppress
from pathlib import Path


def here() -> str:
    """Return what this machine is called, told from others of its name and from its containers."""
    boot = _text(Path("/proc/sys/kernel/random/boot_id"))
    with suppress(OSError):
        boot += str(Path("/proc/self/ns/pid").readlink())
    return f"{socket.gethostname()} {boot}".strip()


def identity() -> str:
    """Return the name of this process as an owner of jobs: unique, and the same nowhere else."""
    return f"{here()}|{os.getpid()}|{_started(os.getpid())}|{secrets.token_hex(4)}"


def is_known_dead(owner: str) -> bool:
    """Return whether an owner is a process of this machine that has ended; False where that is not known."""
    machine, _, rest = owner.partition("|")
    pid, _, rest = rest.partition("|")
    started = rest.partition("|")[0]
    if machine != here() or not pid.isdecimal():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return bool(started) and _started(int(pid)) != started


def _started(pid: int) -> str:
    """Return when a process was started, in ticks since the machine was; a zombie has no start any more."""
    fields = _text(Path(f"/proc/{pid}/stat")).rpartition(")")[2].split()
    return "" if len(fields) < 20 or fields[0] == "Z" else fields[19]


def _text(path: Path) -> str:
    with suppress(OSError):
        return path.read_text().strip()
    return ""
