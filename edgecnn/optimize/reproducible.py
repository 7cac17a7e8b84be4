"""Random numbers that depend on a seed and an epoch alone, and torch's global state put back afterwards."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch.utils import deterministic

ORDER, AUGMENTATION, DROPOUT = range(3)  # what the numbers are for


def stream_seed(seed: int, *path: int) -> int:
    """Return the seed of the stream of random numbers at `path`, such as (epoch, purpose, process).

    Streams are independent of one another, and none depends on what was drawn before it: a training that is
    resumed at an epoch draws what it would have drawn.
    """
    return int(np.random.SeedSequence((seed, *path)).generate_state(1, np.uint64)[0])


@contextmanager
def reproducible(device: torch.device) -> Iterator[None]:
    """Make torch deterministic within the block, and put its global state back afterwards."""
    enabled = torch.are_deterministic_algorithms_enabled()
    warn_only = torch.is_deterministic_algorithms_warn_only_enabled()
    fill = deterministic.fill_uninitialized_memory  # type: ignore[attr-defined]
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        try:
            torch.use_deterministic_algorithms(True, warn_only=True)
            deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]  # only costs time
            yield
        finally:
            torch.use_deterministic_algorithms(enabled, warn_only=warn_only)
            deterministic.fill_uninitialized_memory = fill  # type: ignore[attr-defined]
