"""Weights that give what is missing, by least squares, as far as rows that were held back bear it out.

    min_D  Σ_n ‖ m_n − D x_n − d ‖²  +  λ ‖D‖²        λ a fraction of the mean of x²

Of the fractions tried, and of leaving everything as it is, the one of least error on the rows held back is
chosen, and the weights are then fitted to all rows.
"""

from dataclasses import dataclass

import numpy as np

_HELD_BACK = 4  # one row in so many; rows of one picture stand together, and so most of the way apart
_FRACTIONS = (1e-4, 1e-2, 1.0)


@dataclass(frozen=True, kw_only=True)
class Solution:
    """Weights (groups, columns, c / groups) and a shift (c,) to add."""

    weights: np.ndarray
    shift: np.ndarray


def least_squares(inputs: np.ndarray, missing: np.ndarray, *, groups: int, shifted: bool) -> Solution | None:
    """Return what to add to a layer; None where it would make the rows held back no better.

    Args:
        inputs: (n, groups, columns), rows in the order of pictures.
        missing: (n, c), what the layer's outputs lack.
        groups: of the layer.
        shifted: whether it can be shifted.
    """
    held_back = len(inputs) // _HELD_BACK
    if not held_back:
        return None
    fitted = _Sums(inputs[held_back:], missing[held_back:], groups=groups, shifted=shifted)
    best, least = None, float(np.square(missing[:held_back]).mean())
    for fraction in _FRACTIONS:
        found = fitted.solve(fraction)
        rest = missing[:held_back] - product(inputs[:held_back], found.weights) - found.shift
        error = float(np.square(rest).mean())
        if error < least:
            best, least = fraction, error
    return None if best is None else _Sums(inputs, missing, groups=groups, shifted=shifted).solve(best)


def product(inputs: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return outputs (n, c) for inputs (n, groups, columns) and weights (groups, columns, c / groups)."""
    found = np.matmul(inputs.transpose(1, 0, 2), weights)
    return np.asarray(found.transpose(1, 0, 2).reshape(len(inputs), -1))


class _Sums:
    """The sums over rows that the normal equations are made of."""

    def __init__(self, inputs: np.ndarray, missing: np.ndarray, *, groups: int, shifted: bool) -> None:
        self._middle = inputs.mean(axis=0) * np.float32(shifted)
        self._error = missing.mean(axis=0) * np.float32(shifted)
        rows = (inputs - self._middle).transpose(1, 0, 2)  # (groups, n, columns)
        wanted = (missing - self._error).reshape(len(missing), groups, -1).transpose(1, 0, 2)
        across = rows.transpose(0, 2, 1)
        self._gram = np.matmul(across, rows).astype(np.float64)
        self._right = np.matmul(across, wanted).astype(np.float64)

    def solve(self, fraction: float) -> Solution:
        """Return the solution for λ as a fraction of the mean square of what is read."""
        columns = self._gram.shape[1]
        size = np.trace(self._gram, axis1=1, axis2=2) / columns
        ridge = (fraction * np.where(size > 0, size, 1.0))[:, None, None] * np.eye(columns)
        weights = np.linalg.solve(self._gram + ridge, self._right)
        return Solution(weights=weights, shift=self._error - product(self._middle[None], weights)[0])
