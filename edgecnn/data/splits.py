"""Which pictures are held out, by the first of three rules that applies.

1. The set says so itself: folders train/ and val/ (or test/, held-out/), files train-images... and t10k-...,
   keys x_train and x_test.
2. The path's name says so: cifar10_test1000.npz is held out as a whole, and the file beside it that differs
   in that word only (and the number after it), cifar10_train2000.npz, is what to train on.
3. Every fifth picture of each class is held out, in the set's own order.
"""

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import numpy as np

from edgecnn.data.dataset import SPLITS, Split
from edgecnn.errors import EdgeCnnError

_HELD_OUT_EVERY = 5
# In the order in which they are looked for.
WORDS: dict[Split, tuple[str, ...]] = {
    "train": ("train", "training"),
    "held-out": ("held-out", "held_out", "heldout", "val", "valid", "validation", "test", "testing", "t10k"),
}
_SPLIT_OF = {word: split for split, words in WORDS.items() for word in words}
_WORD = re.compile(rf"(?<![a-z])({'|'.join(sorted(_SPLIT_OF, key=len, reverse=True))})(?![a-z])[0-9]*", re.I)


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where the pictures of a split lie.

    Attributes:
        name: the data set's, as it was given.
        split: which one is wanted.
        path: of the file or folder that holds it.
        whole: everything there belongs to this split; otherwise the rule of every fifth divides it.
        training: the path of the training split, where it is another one; it has the names of the classes.
    """

    name: str
    split: Split
    path: Path
    whole: bool
    training: Path | None = None

    def as_whole(self) -> Self:
        """Return the place, of a file that says itself what belongs to which split."""
        return replace(self, whole=True)

    def chosen(self, labels: np.ndarray) -> np.ndarray:
        """Return bool (n,): which of the pictures with these labels belong to the split."""
        if self.whole:
            return np.ones(len(labels), bool)
        chosen: np.ndarray = held_out(labels) == (self.split == "held-out")
        if not chosen.any():
            raise EdgeCnnError(
                f"{self.name} has no held-out pictures: every fifth of a class is one, and no class has five"
            )
        return chosen


def locate(path: Path, split: Split) -> Place:
    """Return where the pictures of a split lie; raise `EdgeCnnError` where `path` has the other one only."""
    found = _children(path) or _siblings(path)
    if not found:
        return Place(name=str(path), split=split, path=path, whole=False)
    if split not in found:
        (other,) = found
        words = " or ".join(WORDS[split][:1] if split == "train" else ("val", "test", "held-out"))
        raise EdgeCnnError(
            f"{path} has the {other} pictures only, by its name or layout, and the {split} ones are needed;"
            f" put them beside, named alike with {words}"
        )
    return Place(name=str(path), split=split, path=found[split], whole=True, training=found.get("train"))


def held_out(labels: np.ndarray, every: int = _HELD_OUT_EVERY) -> np.ndarray:
    """Return which images are held out: the last of every five of each class, in the set's own order.

    A rule instead of a random draw: the split is the same whatever the seed and the library's version.
    """
    chosen = np.zeros(len(labels), bool)
    order = np.argsort(labels, kind="stable")
    _, starts, counts = np.unique(labels[order], return_index=True, return_counts=True)
    within = np.arange(len(labels)) - np.repeat(starts, counts)  # the how manieth of its class
    chosen[order] = within % every == every - 1
    return chosen


def split_of(name: str) -> Split | None:
    """Return the split that the name of a file says it holds; None where it says none, or both."""
    found = {_SPLIT_OF[match[1].lower()] for match in _WORD.finditer(name)}
    return found.pop() if len(found) == 1 else None


def _children(path: Path) -> dict[Split, Path]:
    """Return the folders train/ and val/ of a folder, where it holds no other ones or both."""
    if not path.is_dir():
        return {}
    names = {each.name.lower(): each for each in path.iterdir() if each.is_dir() and each.name[0] != "."}
    found = {
        split: next(names[word] for word in WORDS[split] if word in names)
        for split in SPLITS
        if names.keys() & set(WORDS[split])
    }
    return found if len(found) == len(SPLITS) or names.keys() <= _SPLIT_OF.keys() else {}


def _siblings(path: Path) -> dict[Split, Path]:
    """Return the path, where its name says a split, and the one beside it that is named as the other."""
    path = path if path.name else path.resolve()
    own = _SPLIT_OF.get(path.name.lower()) if path.is_dir() else split_of(path.name)
    if own is None:
        return {}
    stem = _WORD.sub("*", path.name.lower())
    others = [
        each
        for each in sorted(path.absolute().parent.iterdir())
        if _WORD.sub("*", each.name.lower()) == stem
        and split_of(each.name) not in (None, own)
        and each.is_dir() == path.is_dir()
    ]
    if path.is_dir():
        order = {word: rank for rank, word in enumerate(_SPLIT_OF)}
        others = sorted(others, key=lambda each: order[each.name.lower()])[:1]
    if len(others) > 1:
        named = ", ".join(each.name for each in others)
        raise EdgeCnnError(f"{path} goes with one of {named}; leave one there")
    return {own: path} | {split_of(each.name) or own: each for each in others}
