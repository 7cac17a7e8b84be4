"""What a page may take for granted: a small trained run, its bundles, a foreign graph, pictures."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

import edgecnn
from edgecnn.data import load
from edgecnn.published_recipes import published

_EACH = 12  # pictures of a class


def _run(place: Path) -> None:
    edgecnn.fit(
        "lenet(width=0.5, in_channels=3)", "digits", out=place, recipe=published("default").override(epochs=2)
    )


def _bundle(place: Path) -> None:
    edgecnn.deploy(_made(place.parent, "run"), "pi4", out=place)


def _int8_bundle(place: Path) -> None:
    edgecnn.deploy(_made(place.parent, "run"), "pi4", out=place, quantization=edgecnn.Quantization(int8=True))


def _graph(place: Path) -> None:
    """Write a file that says nothing of its pictures."""
    edgecnn.compress(_made(place.parent, "run"), "fold", place)


def _photos(place: Path) -> None:
    digits = load("digits", "train")
    assert digits.labels is not None
    for label in range(10):
        folder = place / str(label)
        folder.mkdir(parents=True)
        for number, index in enumerate(np.flatnonzero(digits.labels == label)[:_EACH]):
            pixels = np.asarray(digits.images[index]).reshape(8, 8)
            colours = np.stack([pixels, pixels // 2, pixels], axis=-1).astype(np.uint8)
            Image.fromarray(colours).resize((32, 32)).save(folder / f"{number}.png")


def _picture(place: Path) -> None:
    Image.new("RGB", (40, 30), (200, 30, 90)).save(place)


MAKERS: dict[str, Callable[[Path], None]] = {
    "net-int8.pi4": _int8_bundle,
    "net.onnx": _graph,
    "net.pi4": _bundle,
    "photos": _photos,
    "picture.jpg": _picture,
    "run": _run,
}


def lay(names: list[str], store: Path, folder: Path) -> None:
    """Copy what a page asks for into its folder; each thing is made once, in the store."""
    for name in names:
        made = _made(store, name)
        if made.is_dir():
            shutil.copytree(made, folder / name)
        else:
            shutil.copy(made, folder / name)


def _made(store: Path, name: str) -> Path:
    if not (store / name).exists():
        MAKERS[name](store / name)
    return store / name
