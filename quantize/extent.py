"""The smallest and the largest number seen, and the observer `minmax` that takes them as the range.

lo = min x, hi = max x          source: Jacob et al. 2018, arXiv:1712.05877, §3
"""

import math

import numpy as np

from edgecnn.errors import EdgeCnnError


class Extent:
    """The range of the numbers given so far; it starts empty."""

    def __init__(self) -> None:
        self.low, self.high = math.inf, -math.inf

    def add(self, values: np.ndarray) -> None:
        """Take in an array of any shape; raise `EdgeCnnError` where a number in it is not finite."""
        low, high = float(values.min()), float(values.max())
        if not math.isfinite(high - low):
            raise EdgeCnnError(f"numbers from {low:g} to {high:g}")
        self.low, self.high = min(self.low, low), max(self.high, high)

    def range(self) -> tuple[float, float]:
        """Return the lowest and the highest number."""
        return self.low, self.high
