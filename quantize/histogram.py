"""A histogram of fixed size that follows the numbers: too narrow bins are merged in pairs.

    bin of x = floor(x / 2^k)        2^k → 2^(k+1): bin i → bin floor(i / 2)

A bin's edges are multiples of its width, so that merging loses nothing: counts and edges depend on the
numbers alone, not on their order or batches, and zero is always an edge. Between BINS / 2 and BINS bins cover
the range.
"""

import math

import numpy as np

from edgecnn.quantize.extent import Extent

BINS = 8192
_CHUNK = 1 << 16  # numbers at a time, so that what is computed from them stays in the cache
_LEAST_EXPONENT = -126


class Histogram(Extent):
    """How often numbers fell into each bin, and the exact lowest and highest one."""

    def __init__(self) -> None:
        super().__init__()
        self.counts = np.zeros(0, np.int64)
        self._exponent, self._first = _LEAST_EXPONENT, 0
        self._covered = (0.0, 0.0)  # from where to below where

    def add(self, values: np.ndarray) -> None:
        """Take in a float32 array of any shape."""
        super().add(values)
        if self.low < self._covered[0] or self.high >= self._covered[1]:
            self._cover()
        flat, scale, first = values.reshape(-1), np.float32(2.0**-self._exponent), np.float32(self._first)
        for start in range(0, len(flat), _CHUNK):
            index = flat[start : start + _CHUNK] * scale  # exact: a product with a power of two
            if first:  # else nothing is negative, and the conversion to integers rounds down
                np.floor(index, out=index)
                index -= first
            self.counts += np.bincount(index.astype(np.intp), minlength=len(self.counts))

    @property
    def width(self) -> float:
        """Return the width of a bin."""
        return math.ldexp(1.0, self._exponent)

    @property
    def edges(self) -> np.ndarray:
        """Return the edges of the bins, float64 (bins + 1,)."""
        return (self._first + np.arange(len(self.counts) + 1)) * self.width

    def _cover(self) -> None:
        """Widen and extend the bins until they cover zero and all that was seen."""
        low, high, exponent = min(self.low, 0.0), max(self.high, 0.0), self._exponent
        while _bin(high, exponent) - _bin(low, exponent) >= BINS:
            exponent += 1
        for _ in range(exponent - self._exponent if len(self.counts) else 0):
            self._merge()
        self._exponent = exponent
        first, last = _bin(low, exponent), _bin(high, exponent)
        if not len(self.counts):
            self._first = first
        before, after = self._first - first, last + 1 - self._first - len(self.counts)
        if before or after:
            self.counts = np.concatenate([np.zeros(before, np.int64), self.counts, np.zeros(after, np.int64)])
        self._first = first
        self._covered = (first * self.width, (last + 1) * self.width)

    def _merge(self) -> None:
        lead, tail = self._first % 2, (self._first + len(self.counts)) % 2
        padded = np.pad(self.counts, (lead, tail))
        self.counts = padded.reshape(-1, 2).sum(axis=1)
        self._first = (self._first - lead) // 2


def _bin(value: float, exponent: int) -> int:
    return math.floor(math.ldexp(value, -exponent))
