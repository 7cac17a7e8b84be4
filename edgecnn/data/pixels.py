"""Mean and standard deviation of pixels, per channel.

mean = Σ v p(v),    std² = Σ v² p(v) - mean²,    p(v) the share of the pixels of value v in 0..1
"""

from collections.abc import Sequence

import numpy as np

from edgecnn.data.sample import evenly

Statistics = tuple[tuple[float, ...], tuple[float, ...]]

_LEVELS = 256
_SAMPLE = 1024


def pixel_statistics(images: np.ndarray | Sequence[np.ndarray]) -> Statistics:
    """Return (mean, std) per channel of uint8 pictures, to six places, of values in 0..1.

    Args:
        images: (n, h, w, c), of which every pixel counts; or a sequence of (h, w, c), of which at most 1,024
            are read, each counting alike whatever its size.
    """
    shares = _counts(images) if isinstance(images, np.ndarray) else _mean_shares(images)  # (c, 256)
    values = np.arange(_LEVELS) / 255
    mean = shares @ values / shares.sum(1)
    std = np.sqrt(np.maximum(shares @ values**2 / shares.sum(1) - mean**2, 0))
    # A channel that never varies carries nothing; dividing it by 1 keeps it finite.
    return tuple(mean.round(6).tolist()), tuple(np.where(std < 1e-6, 1.0, std).round(6).tolist())


def _counts(images: np.ndarray) -> np.ndarray:
    return np.stack([np.bincount(plane.ravel(), minlength=_LEVELS) for plane in images.T])


def _mean_shares(images: Sequence[np.ndarray]) -> np.ndarray:
    chosen = evenly(len(images), _SAMPLE)
    shares = sum(_counts(image) * (image.shape[2] / image.size) for image in map(images.__getitem__, chosen))
    return np.asarray(shares) / len(chosen)
