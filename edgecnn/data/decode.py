"""From a file to the pixels of one picture, whatever the mode in which it was saved.

A picture is turned as its EXIF orientation says, 16-bit gray keeps its upper 8 bits, palettes and CMYK become
RGB, and what is transparent shows white. Of an animation the first frame counts.
"""

import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from edgecnn.errors import EdgeCnnError

SUFFIXES = frozenset(".jpg .jpeg .png .bmp .gif .webp .tif .tiff .ppm .pgm .pbm .pnm .jfif".split())

# What Pillow raises on a file that is no picture, or a broken one.
_BROKEN = (OSError, ValueError, SyntaxError, EOFError, struct.error, Image.DecompressionBombError)
_SIXTEEN_BITS = ("I;16", "I;16L", "I;16B", "I;16N")
_SIXTEEN_AS_I = ("PNG", "PPM")  # formats whose 16 bits Pillow may give as 32
_GRAY = ("1", "L", "LA", "La", "I", *_SIXTEEN_BITS)
_ALPHA = ("LA", "La", "RGBA", "RGBa", "PA")


def is_picture_name(name: str) -> bool:
    """Return whether a file of this name should be a picture, by its suffix."""
    return Path(name).suffix.lower() in SUFFIXES and not name.startswith(".")


def is_gray(path: str | Path) -> bool:
    """Return whether a picture has no colour, by its header; a palette counts as colour."""
    with opened(path) as picture:
        return picture.mode in _GRAY


def read_picture(path: str | Path, channels: int) -> np.ndarray:
    """Return uint8 (h, w, channels) of the picture in a file, channels 1 (gray) or 3 (RGB)."""
    with opened(path) as found:
        picture = _eight_bits(_upright(found), found.format)
        if picture.mode in _ALPHA or "transparency" in picture.info:
            picture = _over_white(picture)
        pixels = np.asarray(picture.convert("L" if channels == 1 else "RGB"), np.uint8)
    return pixels.reshape(*pixels.shape[:2], channels)


def check_picture(path: str | Path) -> None:
    """Raise `EdgeCnnError` where a picture cannot be read; faster than reading it, where JPEG allows it."""
    with opened(path) as found:
        found.draft(None, (max(1, found.width // 8), max(1, found.height // 8)))
        _eight_bits(found, found.format).load()


@contextmanager
def opened(path: str | Path) -> Iterator[Image.Image]:
    """Open a picture; whatever Pillow says of a broken one becomes one sentence."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of corrupt metadata and of large pictures
            with Image.open(path) as picture:
                yield picture
    except UnidentifiedImageError:
        raise EdgeCnnError(f"{path}: the file is no picture") from None
    except FileNotFoundError:
        raise EdgeCnnError(f"{path}: there is no such file") from None
    except _BROKEN as error:
        raise EdgeCnnError(f"{path}: the picture cannot be decoded ({error})") from error


def _upright(picture: Image.Image) -> Image.Image:
    try:
        return ImageOps.exif_transpose(picture)
    except _BROKEN:  # the metadata; whether the pixels are, too, shows when they are read
        return picture


def _eight_bits(picture: Image.Image, form: str | None) -> Image.Image:
    sixteen = picture.mode in _SIXTEEN_BITS or (picture.mode == "I" and form in _SIXTEEN_AS_I)
    if sixteen:
        return Image.fromarray((np.asarray(picture).astype(np.uint32) >> 8).astype(np.uint8))
    if picture.mode in ("I", "F"):
        raise ValueError(f"its pixels are of mode {picture.mode}, which has no highest value; save 8 bits")
    return picture


def _over_white(picture: Image.Image) -> Image.Image:
    seen = picture.convert("RGBA")
    ground = Image.new("RGBA", seen.size, "white")
    return Image.alpha_composite(ground, seen).convert("RGB")
