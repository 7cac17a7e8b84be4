"""Observers that try smaller and smaller ranges on a histogram, and keep the one of least loss.

    α* = argmin over α in (0, 1] of loss(α lo, α hi)

`mse`, the squared error of clipping and rounding, h_i numbers at c_i:

    loss = Σ h_i (c_i − x'(c_i))²

`entropy`, the information lost, P the numbers inside with the clipped ones put on the outermost bins, Q the
same without them, spread evenly over those bins that are not empty and round to one of the 256 levels:

    loss = Σ P_i log(P_i / Q_i)

Sources: Choukroun et al. 2019, arXiv:1902.06822 (mse); Migacz 2017, "8-bit inference with TensorRT"
(entropy). Zero is exact in every grid and tells nothing: its level is left out of the entropy, as NVIDIA's
calibrators leave out its bin; and no more than one number in a hundred is clipped.
"""

from collections.abc import Callable

import numpy as np

from edgecnn.quantize.grid import HIGHEST, LEVELS, LOWEST, asymmetric
from edgecnn.quantize.histogram import Histogram

Loss = Callable[[np.ndarray, np.ndarray, float, float], float]
_TRIED = np.linspace(1.0, 0.05, 96)
_MOST_CLIPPED = 0.01  # of the numbers: where all of them lie on the outermost bin, no information is missing
_TINY = 1e-9


def mse_range(seen: Histogram) -> tuple[float, float]:
    """Return the range of least squared error."""
    return _best(seen, squared_error)


def entropy_range(seen: Histogram) -> tuple[float, float]:
    """Return the range of least Kullback-Leibler divergence."""
    return _best(seen, divergence)


def _best(seen: Histogram, loss: Loss) -> tuple[float, float]:
    centres, counts = (seen.edges[:-1] + seen.edges[1:]) / 2, seen.counts.astype(np.float64)
    losses = [loss(centres, counts, alpha * seen.low, alpha * seen.high) for alpha in _TRIED]
    alpha = float(_TRIED[int(np.argmin(losses))])
    return alpha * seen.low, alpha * seen.high


def squared_error(centres: np.ndarray, counts: np.ndarray, low: float, high: float) -> float:
    """Return the summed squared error of numbers on the grid of a range."""
    grid = asymmetric(low, high)
    levels = np.clip(np.rint(centres / grid.scale) + grid.zero_point, LOWEST, HIGHEST)
    return float((counts * (centres - (levels - grid.zero_point) * grid.scale) ** 2).sum())


def divergence(centres: np.ndarray, counts: np.ndarray, low: float, high: float) -> float:
    """Return the Kullback-Leibler divergence, in nats, between the numbers and their 256 levels."""
    grid = asymmetric(low, high)
    inside = (centres >= min(low, 0.0)) & (centres <= max(high, 0.0))
    levels = (np.rint(centres[inside] / grid.scale) + grid.zero_point - LOWEST).astype(np.intp)
    levels = np.clip(levels, 0, LEVELS)
    kept = np.where(levels == grid.zero_point - LOWEST, 0.0, counts[inside])
    clipped = kept.copy()
    if not kept.sum() or counts[~inside].sum() > _MOST_CLIPPED * counts.sum():
        return np.inf
    clipped[0] += counts[centres < min(low, 0.0)].sum()
    clipped[-1] += counts[centres > max(high, 0.0)].sum()
    full = kept > 0
    share = np.bincount(levels, kept, LEVELS + 1) / np.maximum(np.bincount(levels, full, LEVELS + 1), 1)
    spread = np.where(full, share[levels], 0.0)
    p, q = clipped / clipped.sum(), spread / spread.sum()
    some = p > 0
    return float((p[some] * np.log(p[some] / np.maximum(q[some], _TINY))).sum())
