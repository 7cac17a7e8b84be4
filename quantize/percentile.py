"""The observer `percentile`: the range without the outermost numbers at either end.

    lo = min(0, F⁻¹(1 − p)), hi = max(0, F⁻¹(p))      F⁻¹ from a histogram, linear inside a bin

Source: Wu et al. 2020, arXiv:2004.09602, §3.2, with p = 99.99 %.
"""

import numpy as np

from edgecnn.quantize.histogram import Histogram

KEPT = 99.99


def percentile_range(seen: Histogram, kept: float = KEPT) -> tuple[float, float]:
    """Return the range that leaves out (100 − kept) % of the numbers at either end."""
    below = np.concatenate([[0], np.cumsum(seen.counts)]) / seen.counts.sum()
    low, high = np.interp([1 - kept / 100, kept / 100], below, seen.edges)
    return min(max(float(low), seen.low), 0.0), max(min(float(high), seen.high), 0.0)
