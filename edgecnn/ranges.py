"""What numbers the fields of a record may hold, as a table, and records with some fields replaced."""

from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from typing import Any, TypeVar

from edgecnn.errors import EdgeCnnError, UnknownNameError

R = TypeVar("R")

Range = tuple[type, Callable[[float], bool], str]
"""The type, int or float, of a number; which values are allowed; and that in words."""


def check_ranges(record: object, ranges: Mapping[str, Range], of: str) -> None:
    """Raise `EdgeCnnError` for a field of `record`, which belongs to `of`, that is out of its range."""
    for name, (kind, allowed, text) in ranges.items():
        value = getattr(record, name)
        numeric = isinstance(value, (int, kind)) and not isinstance(value, bool)
        if not numeric or not allowed(value):
            raise EdgeCnnError(f"{name.replace('_', '-')}={value} of the {of} is not {text}")


def overridden(record: R, what: str, given: Mapping[str, Any]) -> R:
    """Return the record with every given value that is not None in place of its own.

    Raises `UnknownNameError`, which calls it `what`, for a name that is no field.
    """
    names = [each.name for each in fields(record)]  # type: ignore[arg-type]  # a dataclass has no own type
    for name in sorted(given):
        if name not in names:
            raise UnknownNameError(what, name, names)
    return replace(record, **{name: value for name, value in given.items() if value is not None})  # type: ignore[type-var]
