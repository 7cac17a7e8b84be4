"""`Measurement`: quantiles, what makes it doubtful, JSON, and what is never merged."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgecnn.devices.measurement import Environment, LayerTime, Measurement, quantile
from edgecnn.devices.results import append_results, check_results, read_results
from edgecnn.devices.rounds import merge
from edgecnn.errors import EdgeCnnError

ENVIRONMENT = Environment(
    fixed={"runtime": "litert 2", "threads": 1, "boot": "a"}, before={}, after={}, peak_rss_bytes=100
)
ONE = Measurement(
    name="net",
    model="lenet",
    artifact="model.tflite",
    precision="fp32",
    bundle_sha256="0" * 64,
    device="local",
    date="2026-01-01",
    mult_adds=7,
    times_s=(0.010, 0.012, 0.011, 0.030, 0.013),
    warmup_s=(0.01,),
    init_s=(0.5,),
    first_s=(0.02,),
    steady=True,
    max_abs_error=0.1,
    max_abs_error_allowed=0.2,
    includes="all",
    environment=ENVIRONMENT,
)


def with_readings(before, after):
    return replace(ONE, environment=replace(ENVIRONMENT, before=before, after=after))


def test_the_figures_are_those_of_the_raw_times():
    assert (ONE.median_s, ONE.min_s) == (0.012, 0.010)
    assert ONE.iqr_s == pytest.approx(0.013 - 0.011)
    assert ONE.p90_s == pytest.approx(0.013 + 0.6 * (0.030 - 0.013))  # rank 0.9 * 4 = 3.6
    assert ONE.p99_s == pytest.approx(0.013 + 0.96 * (0.030 - 0.013))
    assert ONE.noisy is True  # 2 / 12 > 10 %
    assert replace(ONE, times_s=(0.010, 0.0101, 0.0102)).noisy is False


@given(st.lists(st.floats(1e-9, 1e3), min_size=1, max_size=30), st.floats(0, 1))
def test_a_quantile_is_numpys(values, share):
    assert quantile(values, share) == pytest.approx(float(np.quantile(values, share)))


def test_it_survives_json():
    assert Measurement.from_json(json.loads(json.dumps(ONE.to_json()))) == ONE
    assert ONE.to_json()["kind"] == "measured"


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ({"throttled": "throttled=0x0"}, {"throttled": "throttled=0x4"}, "throttled"),
        ({"throttled": "throttled=0x0"}, {"throttled": "throttled=0x10000"}, "undervoltage"),
        ({"clock_khz": [1_500_000] * 4}, {"clock_khz": [600_000] * 4}, "clock fell"),
    ],
    ids=["throttled", "happened meanwhile", "clock"],
)
def test_what_the_board_suffered_is_said(before, after, said):
    assert said in " ".join(with_readings(before, after).warnings)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({}, {"clock_khz": [600_000]}),
        ({"clock_khz": [600_000]}, {}),
        ({"clock_khz": "?"}, {"clock_khz": [1]}),
    ],
    ids=["only after", "only before", "no number"],
)
def test_a_clock_that_is_not_known_has_not_fallen(before, after):
    assert "clock fell" not in " ".join(with_readings(before, after).warnings)


def test_what_the_board_suffered_long_ago_is_not_said():
    old = {"throttled": "throttled=0x50000"}
    assert [each for each in with_readings(old, old).warnings if "noisy" not in each] == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"times_s": ()}, "times_s has to be"),
        ({"times_s": (0.0,)}, "times_s has to be"),
        ({"times_s": (float("nan"),)}, "times_s has to be"),
        ({"init_s": (-1.0,)}, "init_s has to be"),
        ({"max_abs_error": 0.3}, "wrong outputs have no latency"),
        ({"max_abs_error": float("nan")}, "max_abs_error has to be a finite number"),
    ],
)
def test_a_wrong_measurement_cannot_be_made(change, said):
    with pytest.raises(EdgeCnnError, match=said):
        replace(ONE, **change)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"max_abs_error": None}, "max_abs_error has to be a finite number"),
        ({"max_abs_error_allowed": "1"}, "max_abs_error_allowed has to be a finite number"),
        ({"times_s": [10**400]}, "times_s has to be one or more durations"),
        ({"times_s": "12"}, "times_s has to be one or more durations"),
        ({"times_s": {"0.1": 1}}, "times_s has to be one or more durations"),
        ({"mult_adds": "many"}, "mult_adds has to be a count, or none"),
        ({"mult_adds": -3}, "mult_adds has to be a count, or none"),
        ({"model": 5}, "model has to be a text, or none"),
        ({"recipe": "fold"}, "recipe has to be texts, or none"),
        ({"steady": "no"}, "steady has to be true or false"),
        ({"environment": []}, "of another kind"),
        (
            {"environment": {**ENVIRONMENT.to_json(), "threads": [1]}},
            "environment has to be what",
        ),
        (
            {"environment": {**ENVIRONMENT.to_json(), "peak_rss_bytes": 10**400}},
            "environment has to be what",
        ),
        (
            {"environment": {**ENVIRONMENT.to_json(), "before": None}},
            "environment has to be what",
        ),
        ({"layers": {"conv": 1}}, "of another kind"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_a_line_of_results_that_is_no_measurement_is_refused_with_its_field(tmp_path, change, said):
    file = tmp_path / "results.jsonl"
    file.write_text(json.dumps({**ONE.to_json(), **change}) + "\n")
    with pytest.raises(EdgeCnnError, match=rf"line 1 of .* is no measurement \(.*{said}"):
        read_results(file)


def test_a_field_that_is_missing_is_named(tmp_path):
    plain = ONE.to_json()
    del plain["device"]
    with pytest.raises(EdgeCnnError, match=r"^'device' is missing$"):
        Measurement.from_json(plain)


def test_rounds_are_joined_in_order():
    other = replace(ONE, times_s=(0.5,), max_abs_error=0.15, steady=False)
    joined = merge([ONE, other])
    assert joined.times_s == (*ONE.times_s, 0.5)
    assert (joined.max_abs_error, joined.steady, joined.init_s) == (0.15, False, (0.5, 0.5))


@pytest.mark.parametrize(
    ("fixed", "said"),
    [
        ({"runtime": "litert 3"}, "runtime was litert 2, then litert 3; nothing was recorded"),
        ({"boot": "b"}, "it was restarted; nothing was recorded"),
        ({"governor": ["powersave"]}, r"governor was None, then \['powersave'\]"),
    ],
)
def test_rounds_of_different_environments_are_never_joined(fixed, said):
    other = replace(ONE, environment=replace(ENVIRONMENT, fixed={**ENVIRONMENT.fixed, **fixed}))
    with pytest.raises(EdgeCnnError, match=said):
        merge([ONE, other])


def test_results_are_appended_whole(tmp_path):
    file = tmp_path / "new" / "results.jsonl"
    append_results(file, [ONE])
    append_results(file, [ONE, ONE])
    assert read_results(file) == [ONE] * 3


def test_a_file_that_holds_something_else_is_not_touched(tmp_path):
    file = tmp_path / "notes.txt"
    file.write_text("dear diary\n")
    with pytest.raises(EdgeCnnError, match=r"line 1 of .* is no measurement"):
        check_results(file)
    with pytest.raises(EdgeCnnError, match="is no measurement"):
        append_results(file, [ONE])
    assert file.read_text() == "dear diary\n"


LAYERED = replace(
    ONE, layers=(LayerTime(layer="conv", medians_s=(0.003,)), LayerTime(layer="fc", medians_s=(0.0,)))
)


def test_the_times_of_layers_survive_json_and_results_without_any_are_read():
    plain = json.loads(json.dumps(LAYERED.to_json()))
    assert plain["layers"][0] == {"layer": "conv", "median_s": 0.003, "medians_s": [0.003]}
    assert Measurement.from_json(plain) == LAYERED
    del plain["layers"]
    assert Measurement.from_json(plain) == ONE


def test_the_rounds_of_a_layer_are_joined():
    slower = replace(LAYERED, layers=tuple(replace(each, medians_s=(0.009,)) for each in LAYERED.layers))
    joined = merge([LAYERED, slower, slower]).layers
    assert [(each.layer, each.medians_s) for each in joined] == [
        ("conv", (0.003, 0.009, 0.009)),
        ("fc", (0.0, 0.009, 0.009)),
    ]
    assert joined[0].median_s == 0.009


@pytest.mark.parametrize(
    "other", [ONE, replace(LAYERED, layers=LAYERED.layers[::-1])], ids=["none", "others"]
)
def test_rounds_that_tell_of_different_layers_are_not_merged(other):
    with pytest.raises(EdgeCnnError, match="rounds tell of different layers"):
        merge([LAYERED, other])


@pytest.mark.parametrize("medians_s", [(), (-1e-9,), (float("nan"),), ("1",)], ids=str)
def test_times_of_a_layer_that_cannot_be_are_refused(medians_s):
    with pytest.raises(EdgeCnnError, match="layer 'conv': its times"):
        LayerTime(layer="conv", medians_s=medians_s)
