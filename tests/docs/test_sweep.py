"""docs/sweep.md is true: a sweep's folder holds what the table says."""

import re

import pytest

from .pages import text_of

PAGE = "docs/sweep.md"


@pytest.mark.xdist_group(PAGE)
def test_the_sweep_has_what_the_table_says(pages):
    folder = pages(PAGE)
    rows = re.findall(r"^\| `([a-z.]+)/?` \|", text_of(PAGE), re.M)
    assert sorted(path.name for path in (folder / "digits.sweep").iterdir()) == sorted(rows)
    assert (folder / "report.html").is_file()
