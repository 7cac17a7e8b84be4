"""How sure a counted share is: Wilson's score interval.

    centre ± half = (p + z²/2n  ±  z √(p (1 - p)/n + z²/4n²)) / (1 + z²/n)

p = k/n of n independent pictures, z the normal quantile of (1 + confidence)/2. Wilson 1927, J. Am. Stat.
Assoc. 22, 209-212. The textbook's p ± z √(p (1 - p)/n) has no width at p = 1 and covers less than it
says: Brown, Cai and DasGupta 2001, Stat. Sci. 16(2), 101-133.
"""

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from edgecnn.errors import EdgeCnnError

CONFIDENCE = 0.95
Interval = tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class Share:
    """A part of n independent pictures, with Wilson's 95 % interval.

    Attributes:
        count: how many.
        n: of how many.
    """

    count: int
    n: int

    @property
    def value(self) -> float:
        """Return count / n."""
        return self.count / self.n

    @property
    def interval(self) -> Interval:
        """Return the 95 % interval of the share."""
        return wilson(self.count, self.n)


def wilson(count: int, n: int, confidence: float = CONFIDENCE) -> Interval:
    """Return the interval that holds the true share.

    Args:
        count: how many pictures were seen to belong to it.
        n: of how many independent ones.
        confidence: how often the interval holds it, such as 0.95.

    Raises:
        EdgeCnnError: n is below 1, the count is not within 0..n, or the confidence not between 0 and 1.
    """
    if not (n >= 1 and 0 <= count <= n):
        raise EdgeCnnError(f"{count} of {n} is no share; count pictures of at least one")
    z2 = quantile(confidence) ** 2
    p, scale = count / n, 1 + z2 / n
    centre = (p + z2 / (2 * n)) / scale
    half = math.sqrt(z2 * (p * (1 - p) / n + z2 / (4 * n * n))) / scale
    # At the ends the equation gives 0 and 1 exactly, and rounding does not.
    return (0.0 if count == 0 else max(centre - half, 0.0)), (1.0 if count == n else min(centre + half, 1.0))


def quantile(confidence: float) -> float:
    """Return z, beyond which on both sides the normal distribution has 1 - confidence."""
    if not 0 < confidence < 1:
        raise EdgeCnnError(f"confidence={confidence} is not between 0 and 1; give a fraction such as 0.95")
    return NormalDist().inv_cdf((1 + confidence) / 2)


def agreement(first: np.ndarray, other: np.ndarray) -> Share:
    """Return on how many pictures two networks name the same class.

    Args:
        first: int (n,), the class that one network names for each picture.
        other: int (n,), that of the other, for the same pictures in the same order.
    """
    if first.shape != other.shape or first.ndim != 1 or not first.size:
        raise EdgeCnnError(
            f"answers {first.shape} and {other.shape} are not one for each of the same pictures"
        )
    return Share(count=int((first == other).sum()), n=len(first))
