"""A text file that names a picture and its class in each line, as Caffe and ImageNet have them."""

import os
import re
from pathlib import Path

import numpy as np

from edgecnn.data.class_names import check_labels, is_names_file, name_classes, names_file, read_names
from edgecnn.data.dataset import Dataset
from edgecnn.data.files import Listing, labelled_files
from edgecnn.data.path_format import path_format
from edgecnn.data.splits import Place
from edgecnn.errors import EdgeCnnError

_SUFFIXES = (".txt", ".csv", ".tsv", ".lst")
_SEPARATORS = {".csv": ",", ".tsv": "\t"}  # else blanks
_NUMBER = re.compile(r"-?[0-9]{1,4000}")
_HEADS = {"file", "filename", "path", "image", "name"}


def _detects(path: Path) -> bool:
    return path.is_file() and path.suffix.lower() in _SUFFIXES and not is_names_file(path)


@path_format("list", "a .txt, .csv or .tsv file with a picture's path and its class in each line", _detects)
def read_list(place: Place) -> Dataset:
    """Read a split from a list; the paths in it are relative to its folder, the classes numbers or names."""
    files, words = _lines(place.path)
    training = words if place.training in (None, place.path) else _lines(place.training)[1]
    if all(_NUMBER.fullmatch(word) for word in (*words, *training)):
        numbers = [*map(int, words), *map(int, training)]
        check_labels(place.path, numbers)
        labels, names = np.array(numbers[: len(words)]), name_classes(place.path, np.array(numbers))
    else:
        names = _names(place, training)
        labels = _numbers(place, words, names)
    return labelled_files(place, Listing(names=files, labels=labels, class_names=names))


def _lines(path: Path) -> tuple[list[str], list[str]]:
    """Return the files and the classes of a list."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise EdgeCnnError(f"{path} is no text in UTF-8, a picture's path and its class a line") from error
    separator = _SEPARATORS.get(path.suffix.lower())
    files, words = [], []
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.startswith("#"):
            continue
        parts = [part.strip() for part in line.strip().rsplit(separator, 1)]
        if len(parts) < 2 or not all(parts):
            raise EdgeCnnError(
                f"line {number} of {path} is not a picture's path and its class: {line.strip()!r}"
            )
        files.append(parts[0])
        words.append(parts[1])
    if files and files[0].lower() in _HEADS and not os.path.splitext(files[0])[1]:  # noqa: PTH122
        files, words = files[1:], words[1:]
    if not files:
        raise EdgeCnnError(f"{path} is empty; it takes a picture's path and its class a line")
    return files, words


def _names(place: Place, training: list[str]) -> tuple[str, ...]:
    file = names_file(place.path.parent)
    names = read_names(file) if file else tuple(sorted(set(training)))
    if len(names) < 2:
        raise EdgeCnnError(f"{place.path} has one class, {names[0]}; a network tells 2 or more apart")
    return names


def _numbers(place: Place, words: list[str], names: tuple[str, ...]) -> np.ndarray:
    known = {name: index for index, name in enumerate(names)}
    unknown = next((word for word in words if word not in known), None)
    if unknown is not None:
        where = names_file(place.path.parent) or place.training or place.path
        raise EdgeCnnError(f"{place.path} has class {unknown!r}, which {where} does not have")
    return np.array([known[word] for word in words], np.int64)
