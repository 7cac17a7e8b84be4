"""`ModelSpec`: which network, how wide, at which resolution; with a text form that people type."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, Self

from edgecnn.calls import Call, Value, parse_call
from edgecnn.errors import EdgeCnnError

_RES = re.compile(r"([1-9][0-9]*)(?:x([1-9][0-9]*))?")


@dataclass(frozen=True, order=True)
class Res:
    """A resolution in pixels; its text is one number where both sides are equal, else `HEIGHTxWIDTH`."""

    height: int
    width: int

    def __str__(self) -> str:
        return str(self.height) if self.height == self.width else f"{self.height}x{self.width}"

    @classmethod
    def parse(cls, value: object) -> Self:
        """Read `160`, `"160"` or `"128x96"`."""
        found = None if isinstance(value, bool) else _RES.fullmatch(str(value))
        if not found or max(map(int, found.groups(default="1"))) > 2**16:
            raise EdgeCnnError(f"res={value} is not a resolution; give pixels such as 160, or HEIGHTxWIDTH")
        return cls(int(found[1]), int(found[2] or found[1]))


@dataclass(frozen=True, kw_only=True)
class ModelSpec:
    """A network by name; None stands for the architecture's own default.

    Attributes:
        arch: a registered architecture.
        width: the width multiplier, above 0.
        res: the input resolution.
        classes: the number of classes, at least 1.
        in_channels: the number of input channels, at least 1.
        options: what else the architecture takes, by keyword.
    """

    arch: str
    width: float | None = None
    res: Res | None = None
    classes: int | None = None
    in_channels: int | None = None
    options: Mapping[str, Value] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not isinstance(self.arch, str) or not self.arch:
            raise EdgeCnnError(f"arch={self.arch!r} is not the name of a model")
        if self.width is not None:
            object.__setattr__(self, "width", _width(self.width))
        for name in ("classes", "in_channels"):
            _whole_number(name, getattr(self, name))

    def __str__(self) -> str:
        given = {name: getattr(self, name) for name in _KEYS if getattr(self, name) is not None}
        if self.res is not None:
            given["res"] = self.res.height if self.res.height == self.res.width else str(self.res)
        return str(Call(self.arch, given | dict(sorted(self.options.items()))))

    def __hash__(self) -> int:
        return hash(str(self))

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `name` or `name(key=value, ...)`; `parse(str(spec)) == spec`."""
        call = parse_call(text)
        known = {key: value for key, value in call.arguments.items() if key in _KEYS}
        options = {key: value for key, value in call.arguments.items() if key not in _KEYS}
        return cls(arch=call.name, options=options).override(**known)

    def override(self, **given: Any) -> Self:
        """Return the spec with every given value that is not None in place of its own; options are merged."""
        changes = {key: value for key, value in given.items() if value is not None}
        if "res" in changes and not isinstance(changes["res"], Res):
            changes["res"] = Res.parse(changes["res"])
        if "options" in changes:
            changes["options"] = {**self.options, **changes["options"]}
        return replace(self, **changes)

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON data."""
        values = {item.name: getattr(self, item.name) for item in fields(self)}
        return values | {"res": None if self.res is None else str(self.res), "options": dict(self.options)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Read what `to_json` gave."""
        return cls(arch=data["arch"], options=data["options"]).override(**{key: data[key] for key in _KEYS})


_KEYS = ("width", "res", "classes", "in_channels")


def _width(value: object) -> float:
    usable = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
    if not usable or not 0 < float(value) <= 64:  # type: ignore[arg-type]
        raise EdgeCnnError(f"width={value} is not a width multiplier; give a number above 0, such as 0.5")
    return float(value)  # type: ignore[arg-type]


def _whole_number(name: str, value: object) -> None:
    if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
        raise EdgeCnnError(f"{name}={value} is not a whole number of at least 1")
