"""The table: torch function → how it is written as a node."""

from collections.abc import Callable
from typing import Any

from edgecnn.export.recorder import (
    activations,
    arithmetic,
    convolution,
    normalization,
    pooling,
    resizing,
    shaping,
)

FUNCTIONS: dict[Any, Callable[..., None]] = {
    **convolution.FUNCTIONS,
    **normalization.FUNCTIONS,
    **activations.FUNCTIONS,
    **pooling.FUNCTIONS,
    **arithmetic.FUNCTIONS,
    **shaping.FUNCTIONS,
    **resizing.FUNCTIONS,
}
