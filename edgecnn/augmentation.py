"""`Augmentation`: which random changes training pictures undergo; needs no torch."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

from edgecnn.ranges import Range, check_ranges, overridden

_PIXELS = (int, lambda value: 0 <= value <= 2**16, "a whole number of pixels of at least 0")
_RANGES: Mapping[str, Range] = {
    "flip": (float, lambda value: 0 <= value <= 1, "a probability from 0 to 1"),
    "shift": _PIXELS,
    "crop": _PIXELS,
    "scale": (float, lambda value: 0 < value <= 1, "a fraction of the area, above 0 and at most 1"),
    "colour": (float, lambda value: 0 <= value <= 1, "a strength from 0 to 1"),
    "cutout": _PIXELS,
}


@dataclass(frozen=True, kw_only=True)
class Augmentation:
    """Random changes of training pictures; as it stands, none.

    Attributes:
        flip: probability of mirroring left and right.
        shift: most pixels by which a picture is moved along either axis, its border repeated.
        crop: pixels of mean colour that are put around a picture before a random part of its size is cut out
            (He et al. 2015 take 4 for CIFAR-10).
        scale: least fraction of the picture's area that a random part of aspect ratio 3/4 to 4/3 keeps, which
            is then resized to the input (Szegedy et al. 2014 take 0.08); 1 is off.
        colour: brightness, contrast and saturation are multiplied by up to 1 ± this.
        cutout: side in pixels of a square of mean colour at a random place (DeVries and Taylor 2017 take 16).
    """

    flip: float = 0.0
    shift: int = 0
    crop: int = 0
    scale: float = 1.0
    colour: float = 0.0
    cutout: int = 0

    def __post_init__(self) -> None:
        check_ranges(self, _RANGES, "augmentation")

    def override(self, **given: Any) -> Self:
        """Return the augmentation with every given value that is not None in place of its own."""
        return overridden(self, "kind of augmentation", given)

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON data."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Read what `to_json` gave."""
        return cls().override(**data)
