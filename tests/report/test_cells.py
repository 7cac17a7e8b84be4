"""Printed figures, and when a computed one is the same."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgecnn.report.papers.cells import Column, agrees, cell


@pytest.mark.parametrize(
    ("printed", "exact", "unit"),
    [
        ("569", 568_740_352, "M"),
        ("4.2", 4_231_976, "M"),
        ("7.2E+2", 724_406_816, "M"),
        ("153E+8", 15_346_630_656, ""),
        ("94.86", Fraction(94_857, 100_000), "%"),
        ("8 to 9", 8.84, ""),
        ("3.5", 3.55, ""),
        ("112x112x32", "112x112x32", ""),
        ("1550 [1] [2]", 1550, ""),
    ],
)
def test_a_figure_agrees_to_its_last_printed_digit(printed, exact, unit):
    assert agrees(printed, exact, unit)


@pytest.mark.parametrize(
    ("printed", "exact", "unit"),
    [
        ("290", 290_675_200, "M"),
        ("7.2E+2", 725_000_001, "M"),
        ("720", 724_406_816, "M"),
        ("153E+8", 15_470_264_320, ""),
        ("8 to 9", 9.01, ""),
        ("about 9", 9, ""),
        ("112x112x32", "112x112x64", ""),
        ("5", None, ""),
    ],
)
def test_a_figure_that_would_be_printed_otherwise_does_not_agree(printed, exact, unit):
    assert not agrees(printed, exact, unit)


@given(st.integers(0, 10**12), st.integers(-9, 3))
def test_a_figure_rounded_to_any_digit_agrees_with_itself(value, exponent):
    rounded = Decimal(value).scaleb(-6).quantize(Decimal(1).scaleb(exponent))
    assert agrees(str(rounded), value, "M")


def test_a_printed_figure_is_shown_as_printed_with_its_notes():
    found = cell(Column("mult-adds", "published", "M"), "1.53E+4 [2]", "the paper")
    assert (found.value, found.text, found.source) == (15300, "15,300 [2]", "the paper")


def test_a_computed_figure_is_rounded_for_people_alone():
    found = cell(Column("mult-adds", "computed", "M", 2), 568_740_352)
    assert (found.value, found.text) == (568.740352, "568.74")


def test_an_empty_cell_is_empty():
    found = cell(Column("layers", "computed"), None)
    assert (found.value, found.text, found.to_json()) == (None, "", {"value": None, "kind": "computed"})
