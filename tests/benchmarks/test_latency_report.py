"""The sections on latency: ratios of medians, and published figures as published."""

import pytest
from latency_report import difference, grid_section, tool_section
from mobilenet_latencies import RESOLUTIONS, WIDTHS, published_ms

MACHINE = {
    "cpu": "A CPU", "cores": 2, "memory_bytes": 2**34, "system": "Linux x86_64", "python": "3.11.7",
    "load_before": 0.1, "load_after": 0.2,
}  # fmt: skip


@pytest.mark.parametrize(("theirs", "verdict"), [(0.0100, "holds"), (0.0096, "does not hold")])
def test_within_three_percent_is_of_the_medians_over_turns(theirs, verdict):
    row = {"name": "net", "edgecnn": [0.0102, 0.9, 0.0101], "litert": [theirs, theirs, 0.0]}
    assert difference(row) == pytest.approx(0.0102 / theirs - 1)
    result = {"machine": MACHINE, "date": "2026-01-01", "versions": {}, "rows": [row]}
    text = tool_section({**result, "settings": {"rounds": 3, "runs": 10}})
    assert text.splitlines()[-1].endswith(f"| {verdict} |")


def test_a_row_of_the_grid_has_both_precisions_and_what_was_published():
    row = {
        "width": 0.25, "res": 128, "mult_adds": 13_570_000, "median_s": 2e-4, "iqr_s": 1e-5, "runs": 9,
        "environment": {"threads": 1, "runtime": "litert"},
    }  # fmt: skip
    rows = [
        {**row, "precision": name, "published_s": published_ms(name, 0.25, 128) / 1e3}
        for name in ("fp32", "int8")
    ]
    text = grid_section(
        {"machine": MACHINE, "date": "2026-01-01", "device": "local", "published": "a page", "rows": rows}
    )
    assert (
        text.splitlines()[-1]
        == "| 0.25 | 128 | 13.57 M | 200.00 µs | 5% | 200.00 µs | 5% | 1.2 ms | 0.8 ms |"
    )


@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_published_latencies_grow_with_width_and_resolution(precision):
    table = [[published_ms(precision, width, res) for res in RESOLUTIONS] for width in WIDTHS]
    assert all(row == sorted(row, reverse=True) for row in table)
    assert all(list(column) == sorted(column, reverse=True) for column in zip(*table, strict=True))
