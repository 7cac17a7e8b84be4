"""docs/sweep.md is true: a sweep's folder holds what the table says."""

import pytest

from .pages import quoted, table

PAGE = "docs/sweep.md"


@pytest.mark.xdist_group(PAGE)
def test_the_sweep_has_what_the_table_says(pages):
    folder = pages(PAGE)
    named = {name.rstrip("/") for row in table(PAGE, "| in the sweep's folder |") for name in quoted(row[0])}
    assert {path.name for path in (folder / "digits.sweep").iterdir()} == named
    assert (folder / "report.html").is_file()
