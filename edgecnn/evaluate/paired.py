"""Are two networks different, or did the pictures fall so? Tests of pairs, picture by picture.

McNemar's exact test. Of the pictures on which just one of two networks is right, b favour the first and c
the other. Were the networks equal, b would be binomial with p = 1/2:

    p = min(1, 2 Σ_{k ≤ min(b, c)} C(b + c, k) / 2^(b + c))

McNemar 1947, Psychometrika 12, 153-157; exact: Dietterich 1998, Neural Computation 10(7), 1895-1923.

The difference (c - b)/n with an interval: d ± z √((s - d²)/(n + 2)), d = (c - b)/(n + 2), s = (b + c +
2)/(n + 2). Bonett and Price 2012, J. Educ. Behav. Stat. 37(4), 479-488.

Fisher's sign-flip test. Were the networks equal, each difference d_i of a picture's score might as well
be -d_i: p is the share of all 2^m sign patterns whose |Σ ±d_i| reaches |Σ d_i|, of m pictures with d_i ≠
0. Beyond 16, R patterns are drawn and p = (1 + reached)/(1 + R). Phipson and Smyth 2010, Stat. Appl.
Genet. Mol. Biol. 9(1), 39.
"""

import math

import numpy as np

from edgecnn.errors import EdgeCnnError
from edgecnn.evaluate.proportion import CONFIDENCE, Interval, quantile

_NEGLIGIBLE = 1e-18  # of the sum
_EXACT = 16  # pictures whose 65,536 sign patterns are all counted
_DRAWN = 10_000
_AT_ONCE = 2**22  # signs held in memory
_TIED = 1e-12  # sums that differ by less of the largest are equal but for rounding


def mcnemar(only_first: int, only_other: int) -> float:
    """Return the exact two-sided p-value of McNemar's test.

    Args:
        only_first: pictures on which the first network alone is right.
        only_other: pictures on which the other alone is right.
    """
    if min(only_first, only_other) < 0:
        raise EdgeCnnError(f"{min(only_first, only_other)} is no number of pictures; give 0 or more")
    n, least = only_first + only_other, min(only_first, only_other)
    log_term = math.lgamma(n + 1) - math.lgamma(least + 1) - math.lgamma(n - least + 1) - n * math.log(2)
    # The terms fall from k = min(b, c) down, each k/(n - k + 1) of the one before it.
    ratio, total = 1.0, 1.0
    for k in range(least, 0, -1):
        ratio *= k / (n - k + 1)
        total += ratio
        if ratio < _NEGLIGIBLE * total:
            break
    return min(1.0, 2 * math.exp(log_term) * total)


def paired_difference(only_first: int, only_other: int, n: int, confidence: float = CONFIDENCE) -> Interval:
    """Return the interval of the other network's accuracy less the first's, as fractions.

    Args:
        only_first: pictures on which the first network alone is right.
        only_other: pictures on which the other alone is right.
        n: pictures in all, the same for both.
        confidence: how often the interval holds the true difference, such as 0.95.
    """
    if not 0 <= only_first + only_other <= n or min(only_first, only_other) < 0 or n < 1:
        raise EdgeCnnError(f"{only_first} and {only_other} pictures are not parts of {n}")
    d, s = (only_other - only_first) / (n + 2), (only_first + only_other + 2) / (n + 2)
    half = quantile(confidence) * math.sqrt((s - d * d) / (n + 2))
    return max(d - half, -1.0), min(d + half, 1.0)


def sign_flip(differences: np.ndarray, *, seed: int = 0) -> float:
    """Return the two-sided p-value of the sign-flip test that the mean of paired differences is 0.

    Args:
        differences: float (n,), of each picture's score; exact where at most 16 are not 0.
        seed: of the sign patterns that are drawn otherwise.
    """
    moved = np.asarray(differences, np.float64)
    moved = moved[moved != 0]
    if not np.isfinite(moved).all():
        raise EdgeCnnError("a difference is not finite; leave out the pictures that have no score")
    seen = abs(moved.sum()) - _TIED * np.abs(moved).sum()
    if len(moved) <= _EXACT:
        sums = np.zeros(1)
        for each in moved:
            sums = np.concatenate([sums + each, sums - each])
        return float((np.abs(sums) >= seen).mean())
    return (1 + _reached(moved, seen, np.random.default_rng(seed))) / (1 + _DRAWN)


def _reached(moved: np.ndarray, seen: float, rng: np.random.Generator) -> int:
    """Count drawn sign patterns whose sum is as far from 0 as the one seen."""
    step, reached = max(1, _AT_ONCE // len(moved)), 0
    for start in range(0, _DRAWN, step):
        signs = rng.integers(0, 2, (min(step, _DRAWN - start), len(moved)), np.int8) * 2 - 1
        reached += int((np.abs(signs @ moved) >= seen).sum())
    return reached
