"""What README.md says of predictions: shares, medians and verdicts of each half."""

import pytest
from predict_report import in_band
from predict_report import section as section_of
from predicting import mult_adds_only


@pytest.fixture
def row():
    """Make a row that was measured at one second."""

    def made(error, half="untouched", precision="fp32", band=(0.5, 2.0), name="net@32"):
        return {
            "name": name, "precision": precision, "half": half, "mult_adds": 1, "weight_bytes": 4,
            "measured_s": 1.0, "fitted_s": 1 + error, "band_s": list(band), "outside": [],
            "mult_adds_only_s": 2.0, "roofline_s": 0.5,
        }  # fmt: skip

    return made


def result(rows):
    fit = {"networks": 3, "median_error": 0.02}
    best = {"mult_adds_only": {}, "roofline": {"peak": 1e9, "bandwidth": 1e9}}
    return {
        "date": "2026-01-01", "versions": {}, "settings": {"passes": 3},
        "machine": {"cpu": "C", "cores": 2, "system": "S"},
        "reference_s": {"10%": 1e-3, "50%": 1e-3, "90%": 2e-3},
        "fits": {"fp32": fit, "int8": fit}, "compared_with": {"fp32": best, "int8": best}, "rows": rows,
    }  # fmt: skip


def section(rows):
    return section_of(result(rows))


def test_each_half_has_its_own_line_and_only_the_untouched_one_a_verdict(row):
    both = [row(0.01, half, each) for each in ("fp32", "int8") for half in ("development", "untouched")]
    said = section([*both[:1], row(0.2), *both[2:]])
    assert "| float32 | development | 1 | fitted on micro-networks | 100% | 1.0% | 100% |" in said
    assert "| float32 | untouched | 1 | fitted on micro-networks | 0% | 20.0% | 100% |" in said
    assert "- float32: 9 of 10 networks within 15 %: 0% (does not hold)" in said
    assert "- int8: 9 of 10 networks within 15 %: 100% (holds)" in said


def test_a_network_outside_what_was_fitted_counts_and_is_told_apart(row):
    missed = row(0.3, band=(1.1, 1.5)) | {"outside": ["more weights"]}
    others = [row(0.0, half, each) for each in ("fp32", "int8") for half in ("development", "untouched")]
    said = section([*others, missed])
    assert "9 of 10 in the band that is shown: 50% (does not hold)" in said
    assert "of those that lie inside what was fitted, 100% of the 1 are in it" in said


def test_what_it_is_compared_with_is_judged_alike(row):
    said = section(
        [row(0.0, half, each) for each in ("fp32", "int8") for half in ("development", "untouched")]
    )
    assert "| int8 | untouched | 1 | mult-adds only | 0% | 100.0% | - |" in said  # 2 s instead of 1 s
    assert "| int8 | untouched | 1 | roofline | 0% | 50.0% | - |" in said


def test_a_band_that_misses_counts(row):
    assert in_band([row(0.3, band=(1.1, 1.5)), row(0.0)]) == 0.5


def test_the_bare_fit_of_mult_adds_is_a_line():
    predict, facts = mult_adds_only([3e-6, 5e-6, 9e-6], [1000, 2000, 4000])  # 1 us + 2 ns a mult-add
    assert facts == {"fixed_s": pytest.approx(1e-6), "mult_add_s": pytest.approx(2e-9)}
    assert predict(10_000) == pytest.approx(21e-6)
