"""What went wrong on a device, from exit code and stderr: one sentence with what to do."""

import re
import signal

from edgecnn.devices.bounded import TIMED_OUT, Ran
from edgecnn.devices.transport import GoneError, LostError
from edgecnn.errors import EdgeCnnError

GONE = 97  # what our own commands exit with where the folder is not there
_SSH_FAILED = 255
_LONGEST = 300

# Looked for in this order in what ssh or adb said of a connection that could not be made, or broke.
_CONNECTION = (
    (r"could not resolve hostname|name or service not known", "there is no host of this name", False),
    (
        r"host key verification failed|remote host identification has changed",
        "its host key is not known, or has changed; connect once by hand with ssh and compare it",
        False,
    ),
    (
        r"permission denied|too many authentication failures|no supported authentication",
        "it does not let you in without a password; copy your key there with ssh-copy-id",
        False,
    ),
    (
        r"bad configuration|unsupported option|bad owner or permissions",
        "ssh's configuration is refused",
        False,
    ),
    (r"no devices/emulators found|device '.*' not found", "adb sees no such phone; run adb devices", False),
    (r"device unauthorized", "the phone has not allowed this computer; unlock it and confirm", False),
    (r"more than one device", "adb sees several; give adb:SERIAL, as adb devices lists them", False),
    (
        r"^(error|adb): (closed|device offline)",
        "adb lost it; does it restart, is its cable loose?",
        True,
    ),
    # Of a connection that broke ssh says the same about its own socket on this machine.
    (
        r"^(?!control socket).*connection refused",
        "nothing listens there; is the board up, and ssh enabled?",
        True,
    ),
)

# Looked for in what the device's own shell and Python said.
_DEVICE = (
    (
        r"no space left on device|disk quota exceeded",
        "its disk is full; free some space in its temporary folder, $TMPDIR or else /tmp",
    ),
    (r"read-only file system", "its disk is read-only"),
    (
        # The last is sh, which takes for a script what the kernel does not run.
        r"exec format error|cannot execute binary file|wrong elf class|invalid elf header|\bELF.*: not found",
        "a program there is built for another processor",
    ),
    (r"out of memory|memoryerror|cannot allocate memory", "its memory is too small"),
)

# Looked for in what it said where a program could not be started.
_NOT_STARTED = (126, 127)
_PROGRAMS = (
    (r"(tar|timeout): (not found|command not found|inaccessible)", "it lacks the program tar or timeout"),
    (
        r"(python[\w./-]*): (not found|command not found|no such file|inaccessible)|"
        r"failed to run command .*python|can't execute .*python",
        "there is no such Python; name one with --python PATH",
    ),
)

_SIGNALS = {
    signal.SIGKILL: "its runner was killed; the kernel does that when memory runs out",
    signal.SIGILL: "illegal instruction: the runtime there is built for a newer processor",
    signal.SIGBUS: "its runner crashed (SIGBUS)",
    signal.SIGSEGV: "its runner crashed (SIGSEGV)",
    signal.SIGABRT: "its runner aborted (SIGABRT)",
    signal.SIGTERM: "its runner was terminated",
    signal.SIGHUP: "its runner was hung up",
}


def failure(device: str, ran: Ran, timeout_s: float) -> EdgeCnnError:
    """Return the error that a failed command on a device means."""
    said = printable(ran.err)
    if ran.code == GONE:
        return GoneError(f"{device}: what was copied there is gone; was it restarted?")
    if ran.code == TIMED_OUT:
        return EdgeCnnError(
            f"{device}: not done after {timeout_s:.0f} s; is it busy, or the way there slow? give bench"
            " fewer --runs"
        )
    for pattern, reason, again in _CONNECTION if ran.code in (_SSH_FAILED, 1) else ():
        if re.search(pattern, said, re.I | re.M) and (ran.code == _SSH_FAILED or device.startswith("adb:")):
            return (LostError if again else EdgeCnnError)(f"{device}: {reason} ({last_line(said)})")
    for pattern, reason in (*_DEVICE, *(_PROGRAMS if ran.code in _NOT_STARTED else ())):
        if re.search(pattern, said, re.I):
            return EdgeCnnError(f"{device}: {reason} ({last_line(said)})")
    if ran.code == _SSH_FAILED:
        return LostError(f"{device}: the connection broke ({last_line(said) or 'no reason given'})")
    number = -ran.code if ran.code < 0 else ran.code - 128
    if number in _SIGNALS:
        return EdgeCnnError(f"{device}: {_SIGNALS[signal.Signals(number)]}")
    own = re.findall(r"^error: (.+)$", said, re.M)
    reason = own[-1] if own else last_line(said) or f"exit code {ran.code}"
    return EdgeCnnError(f"{device}: {reason[:_LONGEST]}")


def printable(said: bytes) -> str:
    """Return what a device said without anything that moves a terminal's cursor."""
    text = said.decode("utf-8", "replace")
    return "".join(each if each.isprintable() or each == "\n" else " " for each in text)


def last_line(said: str) -> str:
    """Return the last line that says something, shortened."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    return lines[-1][:_LONGEST] if lines else ""
