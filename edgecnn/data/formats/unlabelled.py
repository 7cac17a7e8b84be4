"""A folder of pictures that says nothing about them: for calibration, distillation and agreement."""

from pathlib import Path

from edgecnn.data.dataset import Dataset
from edgecnn.data.files import Listing, labelled_files
from edgecnn.data.folders import has_pictures, pictures_below
from edgecnn.data.path_format import path_format
from edgecnn.data.splits import Place


def _detects(path: Path) -> bool:
    return path.is_dir() and has_pictures(path)


@path_format("unlabelled", "a folder of pictures", _detects)
def read_unlabelled(place: Place) -> Dataset:
    """Read a split from a folder of pictures; it has no labels."""
    names = pictures_below(place.path)
    return labelled_files(place, Listing(names=names))
