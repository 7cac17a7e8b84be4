"""A latency from visits: what slowed the reference is taken out, and disturbed visits do not count."""

import pytest

from edgecnn.errors import EdgeCnnError
from edgecnn.pipeline.visits import latencies_s, read_visits

QUIET = [1e-3, 1e-3]  # of the reference


def visits(*pairs):
    return {"visits": {"a": [{"times_s": times, "reference_s": reference} for times, reference in pairs]}}


def latency(*pairs):
    return latencies_s(read_visits(visits(*pairs), ["a"], "local"))["a"]


def test_a_slowed_visit_is_divided_by_how_much_the_reference_was_slowed():
    # both visits within 5 %: the median of 2 / 1 and 2.08 / 1.04
    assert latency(([2e-3], QUIET), ([2.08e-3], [1.04e-3, 1.04e-3])) == pytest.approx(2e-3)


def test_visits_of_a_disturbed_time_do_not_count():
    assert latency(([2e-3], QUIET), ([9e-3], [3e-3, 3e-3]), ([2e-3], QUIET)) == pytest.approx(2e-3)


def test_where_all_are_disturbed_the_quieter_half_counts():
    slow = [([4e-3], [2e-3, 2e-3]), ([9e-3], [3e-3, 3e-3])]
    told = visits(*slow)["visits"]["a"]
    found = {"visits": {"a": told, "b": [{"times_s": [1e-3], "reference_s": QUIET}] * 4}}
    assert latencies_s(read_visits(found, "ab", "local"))["a"] == pytest.approx(4e-3 / 2)


def test_the_quietest_quarter_of_the_blocks_is_the_time_of_a_visit():
    assert latency(([1e-3, 2e-3, 3e-3, 4e-3, 9e-3], QUIET)) == pytest.approx(2e-3)


@pytest.mark.parametrize(
    "told",
    [
        {},
        {"visits": []},
        {"visits": {"a": []}},
        visits(([], QUIET)),
        visits((["1"], QUIET)),
        visits(([-1.0], QUIET)),
    ],
    ids=["none", "a list", "no visit", "no time", "text", "negative"],
)
def test_an_answer_that_no_script_gives_is_refused(told):
    with pytest.raises(EdgeCnnError, match="local: its answer says"):
        read_visits(told, ["a"], "local")
