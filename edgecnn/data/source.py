"""The registry of data sets: a source is a name, a line about it, and a function that reads a split."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from edgecnn.data.dataset import SPLITS, Dataset, Split
from edgecnn.data.path_format import read_path
from edgecnn.errors import EdgeCnnError, UnknownNameError
from edgecnn.registry import Registry

Reader = Callable[[Split], Dataset]


@dataclass(frozen=True, kw_only=True)
class Source:
    """A registered data set.

    Attributes:
        name: the name that people type.
        summary: one line.
        read: gives a split; the same pictures in the same order every time.
    """

    name: str
    summary: str
    read: Reader


DATASETS: Registry[Source] = Registry(
    "data set", "edgecnn.data.sets", hint="`edgecnn list datasets` shows all"
)


def source(name: str, summary: str) -> Callable[[Reader], Reader]:
    """Register the reader of a data set under `name`."""

    def register(read: Reader) -> Reader:
        DATASETS.register(name, Source(name=name, summary=summary, read=read))
        return read

    return register


def load(data: str | Path, split: str = "train") -> Dataset:
    """Read a split of a data set.

    Args:
        data: the name of a registered set, or the path of a file or folder in one of the formats that
            `edgecnn list datasets` shows.
        split: `train` or `held-out`.

    Returns:
        Pictures that fit into memory as one uint8 array (n, h, w, c), others to be read when they are needed.

    Raises:
        EdgeCnnError: where there is no such set, or it cannot be read.
    """
    known = {known: known for known in SPLITS}
    path, text = Path(data), str(data)
    named = isinstance(data, str) and text in DATASETS
    there = bool(text) and os.path.exists(text)  # noqa: PTH110  # false, too, for what cannot be a path
    if not named and not there:
        if isinstance(data, Path) or path.suffix or path.name != text:
            raise EdgeCnnError(f"there is no file or folder {text} to read pictures from")
        hint = "no file or folder is called so either; `edgecnn list datasets` shows all sets"
        raise UnknownNameError("data set", text, DATASETS, hint=hint)
    if split not in known:
        raise UnknownNameError(f"split of {text}", split, SPLITS)
    if not named:
        return read_path(path, known[split])
    if there:
        raise EdgeCnnError(f"{text} is a data set and also a path here; write ./{text} for the path")
    return DATASETS[text].read(known[split])
