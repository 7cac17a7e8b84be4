"""docs/choosing.md is true: its measured figures are those of the benchmarks, its ratios follow from them."""

import json

import pytest

from edgecnn import units

from .pages import ROOT, quoted, table, text_of

PAGE = "docs/choosing.md"
RESULTS = ROOT / "benchmarks" / "results"
GRID = {
    (row["width"], row["res"], row["precision"]): row
    for row in json.loads((RESULTS / "latency_grid.json").read_text())["rows"]
}
RECIPES = {
    each["recipe"]: each["steps"] for each in json.loads((RESULTS / "compress.json").read_text())["recipes"]
}
LATENCIES = table(PAGE, "| width | resolution |")
PRUNED = table(PAGE, "| `mobilenet(width=0.5, res=32)` |")


@pytest.mark.parametrize("cells", LATENCIES, ids=lambda cells: f"{cells[0]} {cells[1]}")
def test_a_latency_is_the_one_that_was_measured(cells):
    at = (float(cells[0]), int(cells[1]))
    floating, eight = (GRID[(*at, precision)] for precision in ("fp32", "int8"))
    millions, times = floating["mult_adds"] / 1e6, [floating["median_s"] * 1e3, eight["median_s"] * 1e3]
    assert cells[2:] == [
        f"{millions:.2f} M",
        f"{times[0]:.2f} ms",
        f"{times[1]:.2f} ms",
        f"{times[0] / times[1]:.1f}",
        f"{millions / times[0]:.0f} M",
        f"{millions / times[1]:.0f} M",
    ]


def ratio(key: str, precision: str, at: tuple[float, int], of: tuple[float, int]) -> str:
    """Return a figure of one network as a percentage of another's."""
    return f"{100 * GRID[(*at, precision)][key] / GRID[(*of, precision)][key]:.0f}"


def test_the_rules_follow_from_the_latencies():
    text = " ".join(text_of(PAGE).split())
    falls = {ratio("mult_adds", "fp32", (width, 128), (width, 224)) for width in (0.25, 0.5, 1.0)}
    times = {
        ratio("median_s", precision, (width, 128), (width, 224))
        for width in (0.25, 0.5, 1.0)
        for precision in ("fp32", "int8")
    }
    assert f"the mult-adds fall to {falls.pop()} %, the time to {min(times)} to {max(times)} %" in text
    assert not falls
    narrow, whole = (0.25, 224), (1.0, 224)
    phone = [1e3 * GRID[(*whole, precision)]["published_s"] for precision in ("fp32", "int8")]
    assert f"publishes {phone[0]:g} ms and {phone[1]:g} ms" in text
    assert f"helps by {phone[0] / phone[1]:.1f} times" in text
    saved = ratio("mult_adds", "fp32", narrow, whole)
    floating, eight = (ratio("median_s", precision, narrow, whole) for precision in ("fp32", "int8"))
    assert (
        f"has {saved} % of the mult-adds and takes {floating} % of the time in float32, {eight} % in int8"
        in text
    )


@pytest.mark.parametrize("cells", PRUNED, ids=lambda cells: cells[0])
def test_a_recipe_gave_what_was_measured(cells):
    recipe = (quoted(cells[0]) or [None])[0]
    before = RECIPES["int8 | correct_bias"][0]
    step = RECIPES[recipe.replace("\\|", "|")][-1] if recipe else before
    size = (
        f"{step['bytes'] / 1024**2:.2f} MiB" if step["bytes"] > 1024**2 else f"{step['bytes'] / 1024:.0f} KiB"
    )
    expected = [f"{step['top1']:.2%}".replace("%", " %"), units.count(step["mult_adds"]), size]
    assert cells[1:] == [*expected, f"{step['latency_s'] * 1e6:.0f} µs"]
