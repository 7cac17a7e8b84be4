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
_GRAY = ("1", "L", "LA", "La", "I", *_SIXTEEN_BITS)
_ALPHA = ("LA", "La", "RGBA", "RGBa", "PA")
# How a whole file of a format begins, and how it ends.
_ENDS = {b"\xff\xd8\xff": b"\xff\xd9", b"\x89PNG\r\n\x1a\n": b"IEND\xaeB`\x82"}


def is_picture_name(name: str) -> bool:
    """Return whether a file of this name should be a picture, by its suffix."""
    return Path(name).suffix.lower() in SUFFIXES and not name.startswith(".")


def is_gray(path: str | Path) -> bool:
    """Return whether a picture has no colour, by its header; a palette counts as colour."""
    with opened(path) as picture:
        return picture.mode in _GRAY


def picture_size(path: str | Path) -> tuple[int, int]:
    """Return (height, width) of a picture as it is shown, by its header."""
    with opened(path) as picture:
        width, height = picture.size
        turned = picture.getexif().get(0x0112, 1) >= 5
        return (width, height) if turned else (height, width)


def read_picture(path: str | Path, channels: int) -> np.ndarray:
    """Return uint8 (h, w, channels) of the picture in a file, channels 1 (gray) or 3 (RGB)."""
    with opened(path) as found:
        picture = _eight_bits(ImageOps.exif_transpose(found))
        if picture.mode in _ALPHA or "transparency" in picture.info:
            picture = _over_white(picture)
        pixels = np.asarray(picture.convert("L" if channels == 1 else "RGB"), np.uint8)
    return pixels.reshape(*pixels.shape[:2], channels)


def why_unreadable(path: str | Path) -> str | None:
    """Return why a picture cannot be read, None where it can.

    A JPEG or PNG that begins and ends as it should is taken to be whole; anything else is decoded.
    """
    try:
        with Path(path).open("rb") as file:
            head = file.read(8)
            if not head:
                return "the file is empty"
            for begin, end in _ENDS.items():
                if head.startswith(begin):
                    file.seek(-len(end), 2)
                    if file.read() == end:
                        return None
        with opened(path) as picture:
            _eight_bits(picture).load()
    except OSError as error:
        return error.strerror or str(error)
    except EdgeCnnError as error:
        return str(error).removeprefix(f"{path}: ")
    return None


@contextmanager
def opened(path: str | Path) -> Iterator[Image.Image]:
    """Open a picture; whatever Pillow says of a broken one becomes one sentence."""
    try:
        with Image.open(path) as picture:
            yield picture
    except UnidentifiedImageError:
        raise EdgeCnnError(f"{path}: the file is no picture") from None
    except FileNotFoundError:
        raise EdgeCnnError(f"{path}: there is no such file") from None
    except _BROKEN as error:
        raise EdgeCnnError(f"{path}: the picture is damaged ({error})") from error


def _eight_bits(picture: Image.Image) -> Image.Image:
    sixteen = picture.mode in _SIXTEEN_BITS or (picture.mode == "I" and picture.format == "PNG")
    if sixteen:
        return Image.fromarray((np.asarray(picture).astype(np.uint32) >> 8).astype(np.uint8))
    if picture.mode in ("I", "F"):
        raise ValueError(f"its pixels are of mode {picture.mode}, which has no highest value; save 8 bits")
    return picture


def _over_white(picture: Image.Image) -> Image.Image:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        seen = picture.convert("RGBA")
    ground = Image.new("RGBA", seen.size, "white")
    return Image.alpha_composite(ground, seen).convert("RGB")
