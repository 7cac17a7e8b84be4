"""The observers by name: each makes a range of the numbers that calibration saw."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Protocol

import numpy as np

from edgecnn.errors import EdgeCnnError, UnknownNameError
from edgecnn.quantize.extent import Extent
from edgecnn.quantize.histogram import Histogram
from edgecnn.quantize.percentile import percentile_range
from edgecnn.quantize.shrinking import entropy_range, mse_range


class Seen(Protocol):
    """What is kept, in a fixed size, of the numbers of one value."""

    def add(self, values: np.ndarray) -> None:
        """Take in an array of any shape."""


@dataclass(frozen=True, kw_only=True)
class Observer:
    """How numbers are collected, and how a range is chosen from what was collected."""

    name: str
    start: Callable[[], Seen]
    choose: Callable[[Any], tuple[float, float]]


DEFAULT = "mse"  # of `int8`, whose biases are corrected: see docs/int8.md
OBSERVERS = {
    each.name: each
    for each in (
        Observer(name="minmax", start=Extent, choose=Extent.range),
        Observer(name="percentile", start=Histogram, choose=percentile_range),
        Observer(name="mse", start=Histogram, choose=mse_range),
        Observer(name="entropy", start=Histogram, choose=entropy_range),
    )
}


def find_observer(name: str, kept: float | None = None) -> Observer:
    """Return the observer of a name; raise `UnknownNameError` for another one.

    `kept` is the part in % that `percentile` keeps at either end.
    """
    if name not in OBSERVERS:
        raise UnknownNameError("observer", name, OBSERVERS)
    if name != "percentile" or kept is None:
        return OBSERVERS[name]
    if not 50 < kept <= 100:
        raise EdgeCnnError(f"percentile={kept:g} is not a part in %; give more than 50 and at most 100")
    return replace(OBSERVERS[name], choose=partial(percentile_range, kept=float(kept)))
