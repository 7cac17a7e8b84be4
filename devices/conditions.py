"""What a board went through while it was measured, from what its sensors said before and after."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from edgecnn.devices.answers import is_number

_CLOCK_FELL = 0.95  # of the clock before
# What vcgencmd says of a Raspberry Pi: bits of `throttled=0x...`, and 16 above each whether it ever happened.
_PI = {0: "undervoltage", 1: "its clock was capped", 2: "throttled", 3: "at its soft temperature limit"}
_EVER = 16


def clocks(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    """Say so where the processor's clock fell."""
    was, became = _clock(before), _clock(after)
    if was is not None and became is not None and became < _CLOCK_FELL * was:
        yield "the processor's clock fell"


def throttling(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    """Say what a Raspberry Pi suffers, or has suffered meanwhile."""
    was, became = _pi_bits(before), _pi_bits(after)
    for bit, name in _PI.items():
        happened = became >> (bit + _EVER) & 1 and not was >> (bit + _EVER) & 1
        if became >> bit & 1 or happened:
            yield name


def _clock(readings: Mapping[str, Any]) -> float | None:
    """Return the highest clock of any core; None where no core says it."""
    said = readings.get("clock_khz")
    return max(filter(is_number, said if isinstance(said, list) else []), default=None)


def _pi_bits(readings: Mapping[str, Any]) -> int:
    found = re.search(r"0x([0-9a-fA-F]{1,8})", str(readings.get("throttled", "")))
    return int(found[1], 16) if found else 0
