"""Which files cannot be read, and why, found out before anything is computed from them.

Of at most 2,048 files each is decoded. Of more than that, a file that begins and ends as its format does is
taken to be whole, and only the others are decoded: what is broken in the middle of such a file is found when
its turn comes.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from pathlib import Path

from edgecnn.data.decode import check_picture
from edgecnn.errors import EdgeCnnError

_FEW = 2048
_READERS = 8
_CHUNK = 256  # files that one of them takes at a time
_END_BYTES = 8


def _size_at(first: int, more: int = 0) -> Callable[[bytes, bytes, int], bool]:
    """Return a test for a format that says its size in four bytes of its head."""
    return lambda head, _tail, size: int.from_bytes(head[first : first + 4], "little") + more == size


# How a file begins → whether it is whole, by its first and last bytes and its size.
_WHOLE: Mapping[bytes, Callable[[bytes, bytes, int], bool]] = {
    b"\xff\xd8\xff": lambda _head, tail, _size: tail.endswith(b"\xff\xd9"),
    b"\x89PNG\r\n\x1a\n": lambda _head, tail, _size: tail == b"IEND\xaeB`\x82",
    b"GIF8": lambda _head, tail, _size: tail.endswith(b";"),
    b"RIFF": _size_at(4, 8),
    b"BM": _size_at(2),
}


def unreadable(root: Path, names: Sequence[str]) -> dict[int, str]:
    """Return the positions of the files that cannot be read, with the name and the reason."""
    suspects = range(len(names)) if len(names) <= _FEW else _suspects(root, names)
    reasons = {index: _reason(os.path.join(root, names[index])) for index in suspects}  # noqa: PTH118
    return {index: f"{names[index]}: {reason}" for index, reason in reasons.items() if reason}


def _suspects(root: Path, names: Sequence[str]) -> list[int]:
    def check(start: int) -> list[int]:
        chunk = enumerate(names[start : start + _CHUNK], start)
        return [index for index, name in chunk if not _looks_whole(os.path.join(root, name))]  # noqa: PTH118

    with ThreadPoolExecutor(_READERS) as readers:  # they wait for the disk, not for each other
        return list(chain.from_iterable(readers.map(check, range(0, len(names), _CHUNK))))


def _looks_whole(path: str) -> bool:
    try:
        size = os.path.getsize(path)  # noqa: PTH202  # of a million files, Path takes half the time
        if not size:  # a pipe, too, which would never end
            return False
        with open(path, "rb") as file:  # noqa: PTH123
            head = file.read(_END_BYTES)
            file.seek(max(0, size - _END_BYTES))
            tail = file.read()
    except OSError:
        return False
    return any(whole(head, tail, size) for begin, whole in _WHOLE.items() if head.startswith(begin))


def _reason(path: str) -> str | None:
    try:
        if not os.path.getsize(path):  # noqa: PTH202
            return "the file is empty"
        check_picture(path)
    except OSError as error:
        return error.strerror or str(error)
    except EdgeCnnError as error:
        return str(error).removeprefix(f"{path}: ")
    return None
