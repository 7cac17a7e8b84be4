"""`digits`: 1,797 handwritten digits of 8 x 8 pixels that come with scikit-learn.

Alpaydin and Kaynak 1998, the test part of UCI's "Optical Recognition of Handwritten Digits".
"""

import numpy as np

from edgecnn.data.dataset import Dataset, Split
from edgecnn.data.source import source
from edgecnn.data.splits import held_out
from edgecnn.errors import EdgeCnnError

_LEVELS = 16  # pixels are counts 0..16 of dark bits in a 4 x 4 block


@source("digits", "1,797 handwritten digits, 8 x 8, gray; every fifth of each class is held out")
def digits(split: Split) -> Dataset:
    """Read scikit-learn's bundled digits; nothing is downloaded."""
    try:
        from sklearn.datasets import load_digits
    except ImportError:
        raise EdgeCnnError('the digits come with scikit-learn; run: pip install "edgecnn[demo]"') from None
    bundle = load_digits()
    labels = bundle.target.astype(np.int64)
    chosen = held_out(labels) == (split == "held-out")
    pixels = np.rint(bundle.images * (255 / _LEVELS)).astype(np.uint8)
    return Dataset(
        name="digits",
        split=split,
        images=pixels[chosen, :, :, None],
        labels=labels[chosen],
        class_names=tuple(map(str, range(10))),
    )
