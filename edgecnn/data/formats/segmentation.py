"""Pictures in images/ and the class of each of their pixels in masks/, in files of the same name."""

import os
from functools import partial
from pathlib import Path, PurePosixPath

import numpy as np

from edgecnn.data.class_names import names_file, read_names
from edgecnn.data.dataset import IGNORE, Dataset
from edgecnn.data.files import Files, picture_files
from edgecnn.data.folders import pictures_below, subfolders
from edgecnn.data.masks import read_classes, values_of
from edgecnn.data.path_format import path_format
from edgecnn.data.readable import unreadable
from edgecnn.data.sample import evenly
from edgecnn.data.splits import Place
from edgecnn.errors import EdgeCnnError

_IMAGES, _MASKS = "images", "masks"
_SAMPLE = 2048
_BINARY = ("background", "foreground")


def _detects(path: Path) -> bool:
    return path.is_dir() and {_IMAGES, _MASKS} <= set(subfolders(path))


@path_format(
    "segmentation", "a folder with images/ and masks/, a mask for each picture, named alike", _detects
)
def read_segmentation(place: Place) -> Dataset:
    """Read a split from pictures and masks; a pair of which either cannot be read is left out.

    Which classes there are is seen in at most 2,048 masks of the training split; classes.txt beside the two
    folders says it, too, and names them.
    """
    pairs = _pairs(place.path)
    chosen = np.flatnonzero(place.chosen(np.zeros(len(pairs), np.int64))).tolist()
    wanted = [pairs[index] for index in chosen]
    broken: dict[int, str] = {}
    for folder, names in zip((_IMAGES, _MASKS), zip(*wanted, strict=True), strict=True):
        broken |= unreadable(place.path, [f"{folder}/{name}" for name in names])
    kept = [pair for position, pair in enumerate(wanted) if position not in broken]
    if not kept:
        raise EdgeCnnError(
            f"{place.path} has no pair that can be read; the first is {next(iter(broken.values()))}"
        )
    names, binary = _classes(place)
    masks = partial(read_classes, classes=len(names), binary=binary)
    return Dataset(
        name=place.name,
        split=place.split,
        images=picture_files(place.path, [f"{_IMAGES}/{image}" for image, _ in kept]),
        masks=Files(str(place.path), tuple(f"{_MASKS}/{mask}" for _, mask in kept), masks),
        class_names=names,
        skipped=tuple(broken[position] for position in sorted(broken)),
    )


def _pairs(folder: Path) -> list[tuple[str, str]]:
    """Return the names of each picture, below images/, and of its mask, below masks/, sorted."""
    images, masks = (_by_stem(folder / each) for each in (_IMAGES, _MASKS))
    if not images:
        raise EdgeCnnError(f"{folder / _IMAGES} has no pictures")
    for own, others, missing in ((images, masks, _MASKS), (masks, images, _IMAGES)):
        alone = [own[stem] for stem in own if stem not in others]
        if alone:
            raise EdgeCnnError(
                f"{len(alone)} file(s) of {folder} have none of their name in {missing}/, such as {alone[0]}"
            )
    return [(images[stem], masks[stem]) for stem in images]


def _by_stem(folder: Path) -> dict[str, str]:
    names = pictures_below(folder)
    stems = {str(PurePosixPath(name).with_suffix("")): name for name in names}
    if len(stems) < len(names):
        doubled = next(name for name in names if name not in stems.values())
        raise EdgeCnnError(f"{folder / doubled} differs from another file there in its suffix only")
    return stems


def _classes(place: Place) -> tuple[tuple[str, ...], bool]:
    """Return the names of the classes, and whether 255 is one of two."""
    root = place.training or place.path
    masks = pictures_below(root / _MASKS)
    paths = [os.path.join(root, _MASKS, masks[index]) for index in evenly(len(masks), _SAMPLE)]  # noqa: PTH118
    broken = unreadable(Path(), paths)
    present = values_of(path for position, path in enumerate(paths) if position not in broken)
    binary = not present[1:IGNORE].any()
    if not present[1 : IGNORE + binary].any():
        raise EdgeCnnError(f"the masks of {root} are empty: every pixel is of class 0, or counts for none")
    file = names_file(root) or (names_file(root.parent) if place.training else None)
    classes = 2 if binary else int(np.flatnonzero(present[:IGNORE]).max()) + 1
    if not file:
        return (_BINARY if binary else tuple(map(str, range(classes)))), binary
    names = read_names(file)
    if len(names) < classes:
        raise EdgeCnnError(
            f"the masks of {root} have class {classes - 1}, but {file} names {len(names)} only"
        )
    return names, binary
