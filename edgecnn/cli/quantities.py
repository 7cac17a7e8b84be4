"""Quantities with units on the command line: `20ms`, `2MB`, `50M`."""

import re
from collections.abc import Callable, Mapping
from typing import Any

import click

_QUANTITY = re.compile(r"\s*([0-9]+(?:\.[0-9]*)?(?:[eE][+-]?[0-9]+)?|\.[0-9]+)\s*([A-Za-zµ]*)\s*")
TIMES = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6}
BYTES = {
    "": 1.0, "B": 1.0, "kB": 1e3, "KB": 1e3, "MB": 1e6, "GB": 1e9,
    "KiB": 2.0**10, "MiB": 2.0**20, "GiB": 2.0**30,
}  # fmt: skip
COUNTS = {"": 1.0, "k": 1e3, "K": 1e3, "M": 1e6, "G": 1e9, "B": 1e9}


def quantity(units: Mapping[str, float]) -> Callable[..., float | None]:
    """Return a callback that reads a number with one of these units."""

    def read(_ctx: click.Context, _param: click.Parameter, given: Any) -> float | None:
        if given is None:
            return None
        found = _QUANTITY.fullmatch(given)
        if not found or found[2] not in units:
            allowed = ", ".join(filter(None, units))
            raise click.BadParameter(f"{given!r} is not a number with a unit of {allowed}")
        return float(found[1]) * units[found[2]]

    return read
