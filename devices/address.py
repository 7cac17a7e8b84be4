"""How a device is named: `local`, `ssh://user@host:port`, `adb:SERIAL`, `emulated:pi4`.

A name ends up in the argument list of a program, so that nothing in it may look like an option or be read by
a shell: `ssh://-oProxyCommand=...` is refused.
"""

import re
from dataclasses import dataclass
from typing import Self

from edgecnn.errors import EdgeCnnError, nearest

WAYS = ("local", "ssh://user@host", "adb:", "emulated:pi4")

_USER = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}"
_HOST = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,252}|\[[0-9A-Fa-f:.]{2,45}(?:%[A-Za-z0-9]{1,15})?\]"
_SSH = re.compile(rf"ssh://(?:(?P<user>{_USER})@)?(?P<host>{_HOST})(?::(?P<port>[0-9]{{1,5}}))?/?")
_ADB = re.compile(r"adb:(?P<serial>[A-Za-z0-9_][A-Za-z0-9_.:-]{0,127})?")
_EMULATED = re.compile(r"emulated:(?P<board>[a-z0-9-]{1,40})")
_HIGHEST_PORT = 65535


@dataclass(frozen=True, kw_only=True)
class Address:
    """A device that can be reached.

    Attributes:
        text: as it was given.
        way: `local`, `ssh`, `adb` or `emulated`.
        host: of ssh: a name or address, or an alias of the user's ssh configuration.
        user: of ssh; None leaves it to that configuration.
        port: of ssh; likewise.
        serial: of adb; None where one phone is connected.
        board: the profile that is emulated.
    """

    text: str
    way: str
    host: str = ""
    user: str | None = None
    port: int | None = None
    serial: str | None = None
    board: str = ""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read the name of a device; raise `EdgeCnnError` where it is none."""
        if text == "local":
            return cls(text=text, way="local")
        if found := _SSH.fullmatch(text):
            port = int(found["port"]) if found["port"] else None
            if port is not None and not 0 < port <= _HIGHEST_PORT:
                raise EdgeCnnError(f"{text!r}: port {port} is not from 1 to {_HIGHEST_PORT}")
            host = found["host"].strip("[]")
            return cls(text=text, way="ssh", host=host, user=found["user"], port=port)
        if found := _ADB.fullmatch(text):
            return cls(text=text, way="adb", serial=found["serial"])
        if found := _EMULATED.fullmatch(text):
            return cls(text=text, way="emulated", board=found["board"])
        raise EdgeCnnError(f"{text!r} is no device that can be reached; {_advice(text)}")


def _advice(text: str) -> str:
    from edgecnn.devices import TARGETS
    from edgecnn.devices.emulator_files import PROCESSORS

    if text in TARGETS:
        without = f", or emulated:{text} to verify without one" if text in PROCESSORS else ""
        return f"{text} is a profile: give the board itself, such as ssh://user@host{without}"
    if text.startswith("ssh:"):
        return "give ssh://user@host or ssh://user@host:port, of letters, digits, '.', '_' and '-'"
    close = nearest(text, WAYS)
    return f"give {', '.join(WAYS)}" + (close if close.endswith("?") else "")
