"""Cells of a table: labels, figures as they were printed, figures that edgecnn computed.

A printed figure is written the way it is printed, with the numbers of its notes: `"569"`, `"1550 [1]"`.
Its last digit says how it was rounded; `"1.53E+4"` is 15300, rounded to hundreds.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Any, Literal

Kind = Literal["label", "published", "computed"]
Raw = str | int | float | Fraction | None

SCALES: dict[str, int | Fraction] = {"G": 10**9, "M": 10**6, "k": 10**3, "%": Fraction(1, 100)}

_NOTES = re.compile(r"(?: \[\d+\])+$")
_RANGE = re.compile(r"(\S+) to (\S+)")


@dataclass(frozen=True)
class Column:
    """A column; all its figures are of one kind.

    Attributes:
        name: a published and a computed column of one name stand for the same quantity.
        kind: a label, a published or a computed figure.
        unit: `G`, `M`, `k`, `%`, another unit, or none.
        decimals: how many a person sees of a computed figure, in that unit.
    """

    name: str
    kind: Kind = "label"
    unit: str = ""
    decimals: int = 0

    @property
    def title(self) -> str:
        """The name with the unit and, for a figure, its kind."""
        unit = f" ({self.unit})" if self.unit else ""
        return self.name + unit + ("" if self.kind == "label" else f", {self.kind}")


@dataclass(frozen=True)
class Cell:
    """What stands in one place of a table.

    Attributes:
        value: text, or a number in the unit of the column; None where there is none.
        shown: for people, without notes.
        kind: of the figure.
        notes: numbers of the notes that explain it.
        source: of a published figure.
    """

    value: str | int | float | None
    shown: str
    kind: Kind
    notes: tuple[int, ...] = ()
    source: str = field(default="", compare=False)

    @property
    def text(self) -> str:
        """For people, with the notes."""
        return self.shown + "".join(f" [{number}]" for number in self.notes)

    def to_json(self) -> dict[str, Any]:
        """Return plain data; what is empty is left out."""
        data: dict[str, Any] = {"value": self.value}
        if self.kind != "label":
            data["kind"] = self.kind
        optional = {"source": self.source, "notes": list(self.notes)}
        return data | {key: value for key, value in optional.items() if value}


def cell(column: Column, raw: Raw, source: str = "") -> Cell:
    """Read the cell of a column from the data of a table."""
    if raw is None:
        return Cell(None, "", column.kind)
    if not isinstance(raw, str):
        return _computed(column, raw)
    text, notes = split_notes(raw)
    if column.kind != "published":
        return Cell(text, text, column.kind, notes)
    number = printed_number(text)
    value = text if number is None else _plain(Fraction(number))
    return Cell(value, text if number is None else f"{number:,f}", column.kind, notes, source)


def split_notes(text: str) -> tuple[str, tuple[int, ...]]:
    """Return a printed text without its notes, and their numbers."""
    found = _NOTES.search(text)
    if not found:
        return text, ()
    return text[: found.start()], tuple(int(number) for number in re.findall(r"\d+", found[0]))


def printed_number(text: str) -> Decimal | None:
    """Return the number that a text is; None for words."""
    try:
        return Decimal(text)
    except InvalidOperation:
        return None


def agrees(printed: str, exact: Raw, unit: str = "") -> bool:
    """Tell whether an exact figure, rounded like the printed one, is the printed one.

    A range such as `8 to 9` is met by what lies in it; words are met by the same words.
    """
    text, _ = split_notes(printed)
    if exact is None or isinstance(exact, str):
        return text == exact
    value = in_unit(exact, unit)
    ends = _RANGE.fullmatch(text)
    if ends:
        return Fraction(ends[1]) <= value <= Fraction(ends[2])
    number = printed_number(text)
    if number is None:
        return False
    exponent = number.as_tuple().exponent
    assert isinstance(exponent, int)
    return abs(Fraction(number) - value) <= Fraction(10) ** exponent / 2


def in_unit(value: int | float | Fraction, unit: str) -> Fraction:
    """Return a plain number in the unit of a column."""
    return Fraction(value) / SCALES.get(unit, 1)


def _computed(column: Column, raw: int | float | Fraction) -> Cell:
    value = in_unit(raw, column.unit)
    decimals = 0 if isinstance(raw, int) and not column.unit else column.decimals
    return Cell(_plain(value), f"{float(value):,.{decimals}f}", column.kind)


def _plain(value: Fraction) -> int | float:
    return int(value) if value.denominator == 1 else float(value)


def shown_rows(rows: Sequence[Sequence[Cell]]) -> list[list[str]]:
    """Return the rows as texts."""
    return [[each.text for each in row] for row in rows]
