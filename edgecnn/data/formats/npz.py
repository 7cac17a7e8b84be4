"""A NumPy archive: `x` the pictures, `y` the class or the mask of each; or x_train, ..., y_test."""

import zipfile
import zlib
from pathlib import Path

import numpy as np

from edgecnn.data.arrays import Arrays, from_arrays
from edgecnn.data.dataset import Dataset
from edgecnn.data.path_format import path_format
from edgecnn.data.splits import Place
from edgecnn.errors import EdgeCnnError

# What numpy and zipfile raise on an archive that is none, or damaged, encrypted or larger than the memory.
_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, ValueError, RuntimeError, MemoryError)
_SUFFIXES = {"train": "_train", "held-out": "_test"}
_KEYS = ("x", "y", *(f"{key}{suffix}" for suffix in _SUFFIXES.values() for key in "xy"))


def _detects(path: Path) -> bool:
    return path.is_file() and path.suffix.lower() == ".npz"


@path_format(
    "npz", "FILE.npz with x, uint8 (n, h, w, c), and y; or x_train, y_train, x_test, y_test", _detects
)
def read_npz(place: Place) -> Dataset:
    """Read a split from a NumPy archive."""
    found = _arrays(place.path)
    if "x" in found:
        other = place.training if place.training not in (None, place.path) else None
        return from_arrays(
            place,
            Arrays(images=found["x"], answers=found.get("y")),
            _arrays(other).get("y") if other else None,
        )
    parts = {split: suffix for split, suffix in _SUFFIXES.items() if f"x{suffix}" in found}
    if len(parts) < len(_SUFFIXES):
        raise EdgeCnnError(
            f"{place.path} holds {', '.join(found) or 'no array that is known'}; name the arrays x and y, or"
            " x_train, y_train, x_test and y_test"
        )
    answers = [found[key] for key in ("y_train", "y_test") if key in found]
    suffix = parts[place.split]
    return from_arrays(
        place.as_whole(),
        Arrays(images=found[f"x{suffix}"], answers=found.get(f"y{suffix}")),
        np.concatenate([each.ravel() for each in answers]) if answers else None,
    )


def _arrays(path: Path) -> dict[str, np.ndarray]:
    """Read the arrays that are known by name; nothing is unpickled."""
    try:
        with path.open("rb") as file:
            archive = np.load(file, allow_pickle=False)
            if isinstance(archive, np.ndarray):
                raise ValueError("it is one array, as .npy has it")
            return {key: archive[key] for key in _KEYS if key in archive}
    except _BROKEN as error:
        raise EdgeCnnError(f"{path} is no whole .npz archive of numbers: {error}") from error
