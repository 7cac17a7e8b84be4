import pytest

from edgecnn.errors import EdgeCnnError
from edgecnn.sweeps.point import Latency, front
from edgecnn.sweeps.recommend import Limits, caution, recommend

LESS = "--min-accuracy 90.00 (middle float)"
BOTH = "--min-accuracy 80.00 --max-mult-adds 100 (small float)"


@pytest.fixture
def three(point):
    return [
        point("small", 0.80, 100, 0.001),
        point("middle", 0.90, 200, 0.002),
        point("big", 0.95, 400, 0.004),
    ]


def test_within_a_cost_the_most_accurate_is_best_and_the_next_follow(three):
    found = recommend(three, Limits(max_latency_s=0.003))
    assert found.best.name == "middle"
    assert [each.name for each in found.runners_up] == ["small"]


def test_of_an_accuracy_alone_the_cheapest_is_best(three):
    assert recommend(three, Limits(min_accuracy=0.85)).best.name == "middle"


@pytest.mark.parametrize(
    ("limits", "ways"),
    [
        (Limits(min_accuracy=0.92, max_latency_s=0.002), [LESS, "--max-latency 4.002ms (big float)"]),
        (Limits(min_accuracy=0.92, max_file_bytes=2500), [LESS, "--max-size 4000 (big float)"]),
        (Limits(min_accuracy=0.99, max_mult_adds=50), [BOTH]),
    ],
    ids=["latency or accuracy", "size or accuracy", "only both"],
)  # fmt: skip
def test_where_nothing_fits_it_says_what_to_relax_by_how_much(three, limits, ways):
    found = recommend(three, limits)
    assert found.best is None
    assert [str(each) for each in found.relaxations] == ways


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        (Limits(), "give a limit"),
        (
            Limits(max_latency_s=1.0, device="pi4"),
            "no point has a latency on pi4; there are latencies on host",
        ),
    ],
    ids=["no limit", "a device without latencies"],
)
def test_what_cannot_be_answered_is_an_error(three, limits, words):
    with pytest.raises(EdgeCnnError, match=words):
        recommend(three, limits)


def test_points_of_two_data_sets_are_not_compared(three, point):
    with pytest.raises(EdgeCnnError, match=r"not comparable: digits \(top-1\), shapes \(top-1\)"):
        recommend([*three, point("other", 0.9, 1, data="shapes")], Limits(min_accuracy=0.5))


def test_the_front_has_no_point_that_is_dearer_and_no_better(point):
    points = [point("a", 0.8, 100), point("b", 0.7, 150), point("c", 0.9, 150), point("d", 0.9, 200)]
    assert [each.name for each in front(points, lambda point: point.mult_adds)] == ["a", "c"]
    assert front(points, lambda point: None) == []


def on(device, kind, seconds, address=""):
    return Latency(
        device=device, kind=kind, median_s=seconds, p90_s=None, source="how", address=address, threads=1
    )


@pytest.fixture
def boards(point):
    """A slow network that was measured on a board, and a fast one that is predicted there."""
    slow = (on("pi4", "predicted", 0.001), on("pi4", "measured", 0.004, "ssh://pi@board"))
    return [
        point("slow", 0.95, 400, latencies=slow),
        point("fast", 0.90, 200, latencies=(on("pi4", "predicted", 0.002),)),
    ]


@pytest.mark.parametrize("device", [None, "pi4"])
def test_what_was_measured_counts_before_what_is_predicted(boards, device):
    assert recommend(boards, Limits(max_latency_s=0.005, device=device)).best.name == "slow"
    found = recommend(boards, Limits(max_latency_s=0.003, device=device))
    assert found.best.name == "fast"
    assert caution(found.best, found.device).startswith("that latency is predicted by: how; measure it")
    assert caution(boards[0], found.device) is None


def test_a_board_is_named_by_its_profile_or_as_it_was_reached(boards):
    found = recommend(boards, Limits(max_latency_s=0.005, device="ssh://pi@board"))
    assert (found.best.name, found.runners_up) == ("slow", ())


def test_of_several_boards_of_one_profile_one_has_to_be_named(boards, point):
    other = point("other", 0.9, 300, latencies=(on("pi4", "measured", 0.003, "ssh://pi@other"),))
    with pytest.raises(EdgeCnnError, match="several pi4 were measured: say which with --device, ssh://pi@b"):
        recommend([*boards, other], Limits(max_latency_s=1.0, device="pi4"))
    with pytest.raises(EdgeCnnError, match="latencies on ssh://pi@board, ssh://pi@other; say which"):
        recommend([*boards, other], Limits(max_latency_s=1.0))
