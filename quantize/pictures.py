"""Pictures as a graph runs them: cut to its batch, as many as are wanted."""

from collections.abc import Iterable, Iterator
from itertools import islice

import numpy as np

from edgecnn.errors import EdgeCnnError


def parts_of(batches: Iterable[np.ndarray], size: int, most: int) -> list[np.ndarray]:
    """Return the first `most` parts of `size` pictures, float32 (size, c, h, w).

    Raises `EdgeCnnError` where there are not even `size` pictures.
    """
    parts = list(islice(cut_up(batches, size), most))
    if not parts:
        raise EdgeCnnError(
            f"the graph runs {size} pictures at a time and there are fewer; give more pictures"
        )
    return parts


def cut_up(batches: Iterable[np.ndarray], size: int) -> Iterator[np.ndarray]:
    """Yield float32 parts of `size` pictures; what does not fill a part at the end is left out."""
    rest: np.ndarray | None = None
    for batch in batches:
        joined = batch if rest is None or not len(rest) else np.concatenate([rest, batch])
        whole = len(joined) - len(joined) % size
        for start in range(0, whole, size):
            yield np.ascontiguousarray(joined[start : start + size], np.float32)
        rest = joined[whole:]
