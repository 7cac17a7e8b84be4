"""What a device answered, read as what it is: untrusted text. Sizes are bounded, every value is checked."""

import json
import math
from collections.abc import Callable, Mapping
from typing import Any

from edgecnn.errors import EdgeCnnError

MOST_BYTES = 8 << 20  # a hundred thousand times take two million
_LONGEST, _MOST_ITEMS, _DEEPEST = 4096, 200_000, 6
_LONGEST_RUN_S = 1e5
_TOO_LARGE = 1 << 63


def read_answer(data: bytes, device: str) -> dict[str, Any]:
    """Return the JSON object that a device sent.

    Raises `EdgeCnnError` where it is none, or holds what no runner writes: numbers that are not finite,
    endless texts or depths.
    """
    try:
        found = json.loads(data.decode("utf-8"), parse_constant=_refuse)
        _check(found, 0)
    except (ValueError, RecursionError) as error:
        raise EdgeCnnError(f"{device}: its answer is no runner's ({error})") from error
    if not isinstance(found, dict):
        raise EdgeCnnError(f"{device}: its answer is no JSON object")
    return found


def field(found: Mapping[str, Any], name: str, is_right: Callable[[Any], bool], device: str) -> Any:
    """Return a field of an answer that passes a test; raise `EdgeCnnError` where it does not."""
    value = found.get(name)
    if not is_right(value):
        raise EdgeCnnError(f"{device}: its answer says {name} is {str(value)[:80]!r}")
    return value


def is_text(value: Any) -> bool:
    """Return whether a value is a short printable text."""
    return isinstance(value, str) and len(value) <= _LONGEST


def is_number(value: Any) -> bool:
    """Return whether a value is a finite number, and none of endless digits."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    return abs(value) < _TOO_LARGE if isinstance(value, int) else math.isfinite(value)


def is_duration(value: Any) -> bool:
    """Return whether a value can be how long something took, in seconds."""
    return is_number(value) and 0 < value < _LONGEST_RUN_S


def is_durations(value: Any) -> bool:
    """Return whether a value is a list of durations."""
    return isinstance(value, list) and all(map(is_duration, value))


def is_readings(value: Any) -> bool:
    """Return whether a value is what sensors said: numbers and texts by name."""
    return isinstance(value, dict) and all(is_setting(each) for each in value.values())


def is_setting(value: Any) -> bool:
    """Return whether a value is a number or a text, or several of them."""
    several = list(value.values()) if isinstance(value, dict) else value
    each = several if isinstance(several, list) else [several]
    return all(is_number(item) or is_text(item) for item in each)


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is no number")


def _check(value: Any, depth: int) -> None:
    if depth > _DEEPEST:
        raise ValueError("it is nested too deeply")
    if isinstance(value, str) and (len(value) > _LONGEST or not all(map(_is_printable, value))):
        raise ValueError("a text in it is too long, or not printable")
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("a number in it is not finite")
    if isinstance(value, int) and abs(value) >= _TOO_LARGE:
        raise ValueError("a number in it is too large")
    if isinstance(value, (list, dict)):
        if len(value) > _MOST_ITEMS:
            raise ValueError("a list in it is too long")
        for each in value if isinstance(value, list) else (*value.keys(), *value.values()):
            _check(each, depth + 1)


def _is_printable(character: str) -> bool:
    return character.isprintable() or character in "\n\t"
