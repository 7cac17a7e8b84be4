"""The registry of data sets: a source is a name, a line about it, and a function that reads a split."""

from collections.abc import Callable
from dataclasses import dataclass

from edgecnn.data.dataset import SPLITS, Dataset, Split
from edgecnn.errors import UnknownNameError
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


DATASETS: Registry[Source] = Registry("data set", "edgecnn.data", hint="`edgecnn list datasets` shows all")


def source(name: str, summary: str) -> Callable[[Reader], Reader]:
    """Register the reader of a data set under `name`."""

    def register(read: Reader) -> Reader:
        DATASETS.register(name, Source(name=name, summary=summary, read=read))
        return read

    return register


def load(name: str, split: str = "train") -> Dataset:
    """Read a split (`train` or `held-out`) of a data set; raise `EdgeCnnError` where that is impossible."""
    found = DATASETS[name]
    known = {known: known for known in SPLITS}
    if split not in known:
        raise UnknownNameError(f"split of {name}", split, SPLITS)
    return found.read(known[split])
