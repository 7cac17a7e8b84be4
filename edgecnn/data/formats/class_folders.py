"""Folders of pictures, one for each class, as ImageNet and Stanford Dogs come."""

from pathlib import Path

import numpy as np

from edgecnn.data.class_names import names_file, read_names
from edgecnn.data.dataset import Dataset
from edgecnn.data.files import Listing, labelled_files
from edgecnn.data.folders import pictures_below, subfolders
from edgecnn.data.path_format import path_format
from edgecnn.data.splits import Place
from edgecnn.errors import EdgeCnnError

_PAIRS = {"images", "masks"}


def _detects(path: Path) -> bool:
    if not path.is_dir() or set(names := subfolders(path)) >= _PAIRS or not names:
        return False
    return any(pictures_below(path / name) for name in names)


@path_format("class-folders", "a folder with a folder of pictures for each class", _detects)
def read_class_folders(place: Place) -> Dataset:
    """Read a split from folders of classes, whose names are those of the classes, in alphabetical order.

    classes.txt beside them, one folder's name a line, gives another order. A class may have no pictures.
    """
    folders = subfolders(place.path)
    classes = _classes(place, folders)
    known = {name: index for index, name in enumerate(classes)}
    names, labels = [], []
    for folder in folders:
        below = pictures_below(place.path / folder)
        names += [f"{folder}/{name}" for name in below]
        labels += [known[folder]] * len(below)
    return labelled_files(place, Listing(names=names, labels=np.array(labels, np.int64), class_names=classes))


def _classes(place: Place, folders: list[str]) -> tuple[str, ...]:
    """Return the classes of the training split; those of another have to be among them."""
    root = place.training or place.path
    file = next(filter(None, map(names_file, (root, root.parent))), None) if place.whole else names_file(root)
    classes = read_names(file) if file else tuple(subfolders(root))
    unknown = sorted(set(folders) - set(classes))
    if unknown:
        raise EdgeCnnError(
            f"{place.path / unknown[0]} is no class that {file or root} has ({len(unknown)} such folder(s))"
        )
    if len(classes) < 2:
        raise EdgeCnnError(f"{place.name} has one class, {classes[0]}; a network tells 2 or more apart")
    return classes
