"""Pictures drawn from a seed: on them random weights are set, hops compared, and boards check themselves."""

import numpy as np

from edgecnn.preprocessing import Preprocessing

COUNT = 4

_PIXELS = 2**19  # of all pictures for an initialization: few large ones, or many small ones
_FEWEST, _MOST = 4, 64
_COARSE = 4  # patches along each side


def sample_inputs(preprocessing: Preprocessing, seed: int, count: int = COUNT) -> np.ndarray:
    """Draw pictures of coloured patches under noise, preprocessed: float32 (count, c, h, w).

    Patches make the pictures differ in the large, as photographs do; white noise alone averages out in a
    network that pools, and then tells little.
    """
    generator = np.random.default_rng(seed)
    height, width, channels = preprocessing.height, preprocessing.width, preprocessing.channels
    if preprocessing.channel_order == "raw":
        shape = (count, channels, height, width)
        return generator.standard_normal(shape, dtype=np.float32)
    drawn = 1 if channels == 1 else 3
    pictures = []
    for _ in range(count):
        patches = generator.integers(0, 256, (_COARSE, _COARSE, drawn)).astype(np.float32)
        rows, columns = (np.arange(size) * _COARSE // size for size in (height, width))
        noise = generator.normal(0.0, 24.0, (height, width, drawn))
        pictures.append(np.clip(patches[rows][:, columns] + noise, 0, 255).astype(np.uint8))
    return preprocessing.batch(pictures)


def initialization_inputs(preprocessing: Preprocessing, seed: int) -> np.ndarray:
    """Draw enough pictures for the statistics of a network's random weights: float32 (n, c, h, w)."""
    fitting = _PIXELS // (preprocessing.height * preprocessing.width)
    return sample_inputs(preprocessing, seed, min(max(fitting, _FEWEST), _MOST))
