"""How far a script on a device is, from lines such as `37/1176` among what it prints."""

import re
from collections.abc import Callable

_LINE = re.compile(rb"(\d{1,9})/(\d{1,9})\r?")
_LONGEST = 32  # bytes of a line that may be one

Count = Callable[[int, int], None]


class Counting:
    """Takes what a script prints, piece by piece, and tells how many of how many are done.

    Whatever is no such line is passed over: it is untrusted text.
    """

    def __init__(self, on_count: Count) -> None:
        self._on_count, self._rest = on_count, b""

    def __call__(self, piece: bytes) -> None:
        """Take the next piece; tell of the last whole line in it that says how far it is."""
        *lines, rest = (self._rest + piece).split(b"\n")
        self._rest = rest if len(rest) <= _LONGEST else b"?"  # whatever comes, it is no such line any more
        for line in reversed(lines):
            found = _LINE.fullmatch(line)
            if found and 0 < int(found[1]) <= int(found[2]):
                self._on_count(int(found[1]), int(found[2]))
                return
