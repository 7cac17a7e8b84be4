"""Scales of a chart, from values to shares of its field, and the values that are marked on them."""

import math
from collections.abc import Callable, Sequence

Share = Callable[[float], float]


def log_scale(values: Sequence[float]) -> Share:
    """Return the logarithmic scale that holds these values."""
    low, high = math.log10(min(values)), math.log10(max(values))
    room = max(0.08 * (high - low), 0.08)
    return lambda value: (math.log10(value) - low + room) / (high - low + 2 * room)


def scale(values: Sequence[float]) -> Share:
    """Return the linear scale that holds these values."""
    low, high = min(values), max(values)
    room = max(0.1 * (high - low), 0.005)
    return lambda value: (value - low + room) / (high - low + 2 * room)


def short(text: str) -> str:
    """Return the text of a figure without the zeros at its end."""
    number, _, unit = text.partition(" ")
    return f"{float(number):g} {unit}".strip()


def linear_ticks(low: float, high: float) -> list[float]:
    """Return round values from below the least to above the greatest."""
    step = 10 ** math.floor(math.log10(max(high - low, 0.01)))
    step = next(each for each in (step / 10, step / 5, step / 2, step, 2 * step) if (high - low) / each <= 6)
    first = math.floor(low / step) - 1
    return [at * step for at in range(first, math.ceil(high / step) + 2)]


def log_ticks(low: float, high: float, *, binary: bool) -> list[float]:
    """Return powers of 2, or round values of each power of 10."""
    if binary:
        powers = range(math.floor(math.log2(low)), math.ceil(math.log2(high)) + 1)
        step = max(1, math.ceil(len(powers) / 7))
        return [2.0**power for power in powers if power % step == 0]
    tens = range(math.floor(math.log10(low)) - 1, math.ceil(math.log10(high)) + 1)
    factors = (1,) if high / low > 300 else (1, 2, 5) if high / low > 8 else (1, 1.5, 2, 3, 4, 5, 7)
    return [factor * 10.0**ten for ten in tens for factor in factors]
