"""The registry of path formats: how the files of a user's own data set may be laid out.

A format says whether a path is laid out its way, and reads a split from it. At most one may claim a path.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from edgecnn.data.dataset import Dataset, Split
from edgecnn.data.splits import Place, locate
from edgecnn.errors import EdgeCnnError
from edgecnn.registry import Registry

Detects = Callable[[Path], bool]
Reads = Callable[[Place], Dataset]


@dataclass(frozen=True, kw_only=True)
class PathFormat:
    """One layout of files.

    Attributes:
        name: of the format.
        summary: one line: what is where.
        detects: whether a file or folder is laid out so; looks at names, opens nothing large.
        read: gives a split; the same pictures in the same order every time.
    """

    name: str
    summary: str
    detects: Detects
    read: Reads


FORMATS: Registry[PathFormat] = Registry("path format", "edgecnn.data.formats")


def path_format(name: str, summary: str, detects: Detects) -> Callable[[Reads], Reads]:
    """Register the reader of a format under `name`."""

    def register(read: Reads) -> Reads:
        FORMATS.register(name, PathFormat(name=name, summary=summary, detects=detects, read=read))
        return read

    return register


def read_path(path: Path, split: Split) -> Dataset:
    """Read a split from a file or folder; raise `EdgeCnnError` where it fits no format, or two."""
    try:
        place = locate(path, split)
        fitting = [known for known in FORMATS.values() if known.detects(place.path)]
        if len(fitting) == 1:
            return fitting[0].read(place)
    except OSError as error:
        raise EdgeCnnError(f"cannot read {path}: {error.strerror or error}") from error
    if fitting:
        both = " and ".join(known.name for known in fitting)
        raise EdgeCnnError(f"{path} could be read as {both}; keep the files of one of them there")
    if path.is_dir() and not any(path.iterdir()):
        raise EdgeCnnError(f"{path} is an empty folder")
    raise EdgeCnnError(
        f"{path} is laid out in none of the formats that can be read: {', '.join(FORMATS)};"
        " `edgecnn list formats` says how they are"
    )
