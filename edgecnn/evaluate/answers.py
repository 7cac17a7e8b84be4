"""What a network answers for pictures that nobody has labelled, to be compared with another's answers."""

from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True, kw_only=True, eq=False)
class Answers:
    """The class that a network names for each picture, or for each of its pixels.

    Attributes:
        predicted: int64 (n,); None where there is a map for each picture.
        maps: packed maps, one for each picture (`edgecnn.evaluate.segmentation.unpack`).
        shape: (h, w) of a map.
        class_names: of the outputs; numbers where the network does not name them.
        notes: what a reader of the figures has to know.
    """

    predicted: np.ndarray | None = None
    maps: tuple[bytes, ...] = ()
    shape: tuple[int, int] = (1, 1)
    class_names: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def n(self) -> int:
        """Return the number of pictures."""
        return len(self.maps) if self.predicted is None else len(self.predicted)

    def differences(self, other: "Answers") -> int:
        """Return on how many pictures another artifact gives another answer."""
        if self.predicted is None or other.predicted is None:
            return sum(one != another for one, another in zip(self.maps, other.maps, strict=True))
        return int((self.predicted != other.predicted).sum())

    def to_json(self) -> dict[str, Any]:
        """Return the figures as plain JSON data, marked as measured; nothing is right or wrong here."""
        return {"kind": "measured", "n": self.n}
