"""Non-negative least squares: the x >= 0 that makes |A x - b| least.

Source: Lawson and Hanson, Solving Least Squares Problems, 1974, chapter 23.
"""

import numpy as np

_STEPS_A_COLUMN = 10


def non_negative(matrix: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Return x (columns,) for a matrix (rows, columns) and the wanted (rows,), in float64."""
    scale = np.linalg.norm(matrix, axis=0)
    scale[scale == 0] = 1.0
    scaled = matrix / scale
    x, free = np.zeros(matrix.shape[1]), np.zeros(matrix.shape[1], bool)
    small = 1e-10 * max(1.0, float(np.abs(scaled.T @ wanted).max(initial=0.0)))
    for _ in range(_STEPS_A_COLUMN * matrix.shape[1]):
        slope = np.where(free, -np.inf, scaled.T @ (wanted - scaled @ x))
        if slope.max(initial=-np.inf) <= small:
            break
        free[int(slope.argmax())] = True
        x = _descend(scaled, wanted, x, free)
    return np.asarray(x / scale)


def _descend(matrix: np.ndarray, wanted: np.ndarray, x: np.ndarray, free: np.ndarray) -> np.ndarray:
    """Solve for the free columns; those that would turn negative are held at zero, which changes `free`."""
    while True:
        solved = np.zeros_like(x)
        solved[free] = np.linalg.lstsq(matrix[:, free], wanted, rcond=None)[0]
        negative = free & (solved <= 0)
        if not negative.any():
            return solved
        step = float(np.min(x[negative] / (x[negative] - solved[negative])))
        x = x + step * (solved - x)
        free &= x > 1e-14
        x[~free] = 0.0
        if not free.any():
            return x
