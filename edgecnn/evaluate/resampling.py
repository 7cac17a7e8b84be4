"""How sure a figure is that is no share of pictures: the percentile bootstrap over pictures.

Pictures are drawn with replacement, as many as there are, R times; the figure is computed of each draw,
and the interval holds the middle `confidence` of the R values. Efron 1979, Ann. Stat. 7(1), 1-26. Whole
pictures are drawn, since the pixels of one are not independent. Of few pictures (below about 20) the
interval is too narrow.
"""

from collections.abc import Callable

import numpy as np

from edgecnn.errors import EdgeCnnError
from edgecnn.evaluate.proportion import CONFIDENCE, Interval

_RESAMPLES = 2_000
_AT_ONCE = 2**20  # draws held in memory

Statistic = Callable[[np.ndarray], np.ndarray]
"""Sums over pictures (r, ...) → figures of each (r,) or (r, k); nan where one has no value."""


def bootstrap(
    statistic: Statistic,
    per_picture: np.ndarray,
    *,
    seed: int = 0,
    resamples: int = _RESAMPLES,
    confidence: float = CONFIDENCE,
) -> Interval:
    """Return the interval of a figure that is computed from sums over pictures.

    Args:
        statistic: from sums to figures (r,).
        per_picture: (n, ...), what each picture adds to the sums.
        seed: of the draws; the same gives the same interval.
        resamples: how many draws.
        confidence: of the interval.

    Raises:
        EdgeCnnError: there are no pictures, or the figure has no value in any draw.
    """
    values = _drawn(statistic, per_picture, seed, resamples)
    return _middle(values, confidence)


def bootstrap_each(statistic: Statistic, per_picture: np.ndarray, *, seed: int = 0) -> list[Interval | None]:
    """Return the 95 % intervals of k figures from the same draws; None where one has no value.

    Args:
        statistic: from sums to figures (r, k).
        per_picture: (n, ...), what each picture adds to the sums.
        seed: of the draws.
    """
    columns = _drawn(statistic, per_picture, seed, _RESAMPLES).T
    return [None if np.isnan(values).all() else _middle(values, CONFIDENCE) for values in columns]


def _drawn(statistic: Statistic, per_picture: np.ndarray, seed: int, resamples: int) -> np.ndarray:
    n = len(per_picture)
    if not n:
        raise EdgeCnnError("there are no pictures to draw from")
    rng, flat = np.random.default_rng(seed), per_picture.reshape(n, -1).astype(np.float64)
    figures, step = [], max(1, _AT_ONCE // n)
    for start in range(0, resamples, step):
        rows = min(step, resamples - start)
        drawn = rng.integers(0, n, (rows, n)) + n * np.arange(rows)[:, None]
        times = np.bincount(drawn.ravel(), minlength=rows * n).reshape(rows, n).astype(np.float64)
        figures.append(statistic((times @ flat).reshape(rows, *per_picture.shape[1:])))
    return np.concatenate(figures)


def _middle(values: np.ndarray, confidence: float) -> Interval:
    values = values[~np.isnan(values)]
    if not values.size:
        raise EdgeCnnError("the figure has no value in any draw of the pictures")
    low, high = np.quantile(values, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)
