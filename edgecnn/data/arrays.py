"""From arrays that were read whole to the data set of a split."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgecnn.data.class_names import name_classes
from edgecnn.data.dataset import IGNORE, Dataset
from edgecnn.data.splits import Place
from edgecnn.errors import EdgeCnnError


@dataclass(frozen=True, kw_only=True, eq=False)
class Arrays:
    """What a file holds.

    Attributes:
        images: uint8 (n, h, w) or (n, h, w, c).
        answers: whole numbers (n,) for classes, (n, h, w) for masks; None where there are none.
        names: of the classes, where the file says them.
    """

    images: np.ndarray
    answers: np.ndarray | None
    names: tuple[str, ...] = ()


def from_arrays(place: Place, arrays: Arrays, all_answers: np.ndarray | None = None) -> Dataset:
    """Return the data set of a split.

    Args:
        place: where the arrays are from.
        arrays: of the split; of both splits where the place is not `whole`.
        all_answers: of both splits, where `arrays` are of one only: they say which classes there are.
    """
    images = _pictures(place.path, arrays.images)
    answers = _answers(place.path, arrays.answers, images)
    masked = answers is not None and answers.ndim > 1
    labels = np.zeros(len(images), np.int64) if answers is None or masked else answers
    chosen = place.chosen(labels)
    names: tuple[str, ...] = ()
    if answers is not None:
        known = answers.ravel() if all_answers is None else np.append(answers, all_answers)
        _check_whole(place.path, known)
        names = arrays.names or name_classes(place.path, known[known != IGNORE] if masked else known)
    return Dataset(
        name=place.name,
        split=place.split,
        images=images[chosen],
        labels=None if answers is None or masked else answers[chosen],
        masks=answers[chosen].astype(np.uint8) if answers is not None and masked else None,
        class_names=names,
    )


def _pictures(path: Path, images: np.ndarray) -> np.ndarray:
    if images.dtype != np.uint8:
        raise EdgeCnnError(f"the pictures of {path} are {images.dtype}; give uint8, 0 to 255")
    if images.ndim not in (3, 4) or 0 in images.shape:
        raise EdgeCnnError(
            f"the pictures of {path} have shape {images.shape}; give (n, h, w) or (n, h, w, c)"
        )
    if images.ndim == 3:
        return images[..., None]
    _, height, width, channels = images.shape
    if height in (1, 3) and channels not in (1, 3) and width == channels:
        raise EdgeCnnError(f"the pictures of {path} are (n, c, h, w) {images.shape}; give (n, h, w, c)")
    return images


def _check_whole(path: Path, answers: np.ndarray) -> None:
    if answers.dtype.kind not in "iu":
        raise EdgeCnnError(f"the labels of {path} are {answers.dtype}; give whole numbers from 0")


def _answers(path: Path, answers: np.ndarray | None, images: np.ndarray) -> np.ndarray | None:
    """Return the classes as int64 (n,), or masks as they are."""
    if answers is None:
        return None
    _check_whole(path, answers)
    if len(answers) != len(images):
        raise EdgeCnnError(f"{path} has {len(images)} pictures and {len(answers)} labels")
    if answers.ndim == 4 and answers.shape[3] == 1:
        answers = answers[..., 0]
    if answers.ndim == 3 and answers.shape == images.shape[:3]:
        if answers.min() < 0 or answers.max() > IGNORE:
            raise EdgeCnnError(f"the masks of {path} have class {answers.max()}; give 0 to 254, 255 for none")
        return answers
    if answers.size != len(images):
        raise EdgeCnnError(
            f"the labels of {path} have shape {answers.shape}; give (n,), one class per picture, or masks"
        )
    return answers.reshape(-1).astype(np.int64)
