import numpy as np
import pytest

from edgecnn.errors import EdgeCnnError
from edgecnn.quantize.grid import asymmetric, dequantize, quantize
from edgecnn.quantize.observers import OBSERVERS, find_observer
from edgecnn.quantize.shrinking import divergence


def observe(name: str, values: np.ndarray, kept: float | None = None) -> tuple[float, float]:
    observer = find_observer(name, kept)
    seen = observer.start()
    for part in np.array_split(values.astype(np.float32), 5):
        seen.add(part)
    return observer.choose(seen)


@pytest.fixture
def normal(rng):
    return rng.standard_normal(200_000)


@pytest.fixture
def with_outlier(normal):
    return np.concatenate([np.abs(normal), [400.0]])


@pytest.mark.parametrize("name", OBSERVERS)
def test_no_observer_goes_beyond_what_was_seen(name, normal):
    low, high = observe(name, normal)
    assert normal.min() - 1e-6 <= low < -1
    assert 1 < high <= normal.max() + 1e-6


@pytest.mark.parametrize("name", OBSERVERS)
def test_a_value_that_is_always_zero_has_the_range_zero(name):
    assert observe(name, np.zeros(1000)) == (0.0, 0.0)


def test_minmax_is_the_lowest_and_the_highest_number(normal):
    assert observe("minmax", normal) == (np.float32(normal.min()), np.float32(normal.max()))


@pytest.mark.parametrize("kept", [90.0, 99.0, 99.9])
def test_percentile_is_numpys_up_to_a_bin(normal, kept):
    wanted = np.quantile(normal, [1 - kept / 100, kept / 100])
    width = (normal.max() - normal.min()) / 2048
    assert observe("percentile", normal, kept) == pytest.approx(tuple(wanted), abs=2 * width)


def test_percentile_of_a_hundred_is_minmax(normal):
    assert observe("percentile", normal, 100) == pytest.approx(observe("minmax", normal))


@pytest.mark.parametrize("kept", [50, 101, -1])
def test_a_percentile_that_is_none_is_refused(kept):
    with pytest.raises(EdgeCnnError, match="more than 50"):
        find_observer("percentile", kept)


def squared_error(values: np.ndarray, low: float, high: float) -> float:
    grid = asymmetric(low, high)
    return float(((dequantize(quantize(values, grid), grid) - values) ** 2).mean())


@pytest.mark.parametrize("spread", [1, 3, 6], ids=lambda each: f"tails of power {each}")
def test_mse_is_as_good_as_the_best_of_a_brute_force_search(rng, spread):
    values = np.abs(rng.standard_normal(20_000) ** spread).astype(np.float32)
    tried = [squared_error(values, 0.0, alpha * values.max()) for alpha in np.linspace(0.02, 1, 200)]
    assert squared_error(values, *observe("mse", values)) <= 1.05 * min(tried)


@pytest.mark.parametrize("name", ["percentile", "entropy"])
def test_one_outlier_among_many_numbers_does_not_set_the_range(name, with_outlier):
    assert observe("minmax", with_outlier)[1] == 400
    assert observe(name, with_outlier)[1] < 100


def test_entropy_is_the_divergence_that_its_definition_gives():
    # Four bins of width 1 on levels of width 2, which round(c / 2) makes 0, 1, 1, 2 of centres .5 to 3.5.
    centres, counts = np.arange(4) + 0.5, np.array([7.0, 2.0, 4.0, 5.0])
    low, high = 0.0, 510.0  # scale 2, zero point -128
    p, q = np.array([2, 4, 5]) / 11, np.array([3, 3, 5]) / 11  # the level of zero tells nothing
    assert divergence(centres, counts, low, high) == pytest.approx(float((p * np.log(p / q)).sum()))


def test_entropy_is_not_minmax_on_heavy_tails(rng):
    values = np.abs(rng.standard_cauchy(50_000)).clip(0, 200)
    assert observe("entropy", values)[1] < 0.9 * values.max()
