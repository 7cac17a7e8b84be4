"""Pictures to learn from and to measure on: named sets, a user's own, and the contract with a network."""

from edgecnn.data.contract import contract
from edgecnn.data.dataset import IGNORE, SPLITS, Dataset, Pictures, Split
from edgecnn.data.path_format import FORMATS, PathFormat
from edgecnn.data.source import DATASETS, Source, load

__all__ = [
    "DATASETS",
    "FORMATS",
    "IGNORE",
    "SPLITS",
    "Dataset",
    "PathFormat",
    "Pictures",
    "Source",
    "Split",
    "contract",
    "load",
]
