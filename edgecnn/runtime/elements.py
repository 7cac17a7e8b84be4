"""Real numbers as a quantized input or output of a file holds them: real = scale (q - zero_point)."""

import numpy as np


def to_elements(values: np.ndarray, scale: float, zero_point: int) -> np.ndarray:
    """Return the nearest int8 elements; what lies beyond their range saturates."""
    limits = np.iinfo(np.int8)
    steps = np.rint(values / np.float32(scale)) + np.float32(zero_point)
    return np.asarray(np.clip(steps, limits.min, limits.max).astype(np.int8))


def to_reals(elements: np.ndarray, scale: float, zero_point: int) -> np.ndarray:
    """Return the float32 numbers that elements stand for."""
    return np.asarray((elements.astype(np.float32) - np.float32(zero_point)) * np.float32(scale))
