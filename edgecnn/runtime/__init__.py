"""Running a network: an object called with float32 (n, c, h, w) that returns float32 (n, ...)."""

from collections.abc import Callable

import numpy as np

Runner = Callable[[np.ndarray], np.ndarray]
"""Anything that maps a float32 batch (n, c, h, w) to float32 outputs (n, ...), in ONNX's layout."""
