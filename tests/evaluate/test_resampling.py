import itertools

import numpy as np
import pytest

from edgecnn.errors import EdgeCnnError
from edgecnn.evaluate import bootstrap, wilson


def mean(n):
    return lambda sums: sums[:, 0] / n


def test_of_many_pictures_the_interval_of_a_share_is_near_wilsons():
    right = np.arange(2000) % 10 < 8
    assert bootstrap(mean(2000), right[:, None]) == pytest.approx(wilson(1600, 2000), abs=0.003)


def test_of_few_pictures_it_is_that_of_all_draws():
    values = np.array([[0.0], [1.0], [5.0]])
    every = sorted(sum(draw) / 3 for draw in itertools.product((0, 1, 5), repeat=3))
    # 10 % and 90 % of the 27 draws lie within (1, 4] and (23, 26], where all have the same sum
    assert every[1] == every[3]
    assert every[23] == every[25]
    seen = bootstrap(mean(3), values, confidence=0.8)
    assert seen == pytest.approx((every[1], every[23]))


def test_what_does_not_vary_is_certain():
    assert bootstrap(mean(50), np.full((50, 1), 0.25)) == (0.25, 0.25)


def test_the_seed_decides_and_the_size_of_the_pieces_does_not(monkeypatch):
    values = np.random.default_rng(0).random((40, 1))
    first = bootstrap(mean(40), values, seed=3)
    monkeypatch.setattr("edgecnn.evaluate.resampling._AT_ONCE", 100)
    assert bootstrap(mean(40), values, seed=3) == pytest.approx(first, rel=1e-12)
    assert bootstrap(mean(40), values, seed=4) != first


def test_a_draw_without_a_value_does_not_count_and_none_at_all_is_refused():
    with np.errstate(invalid="ignore"):
        only_first = bootstrap(lambda sums: sums[:, 0] / sums[:, 0], np.array([[1.0], [0.0]]))
        assert only_first == (1, 1)
        with pytest.raises(EdgeCnnError, match="no value"):
            bootstrap(lambda sums: sums[:, 0] / sums[:, 0], np.zeros((2, 1)))
    with pytest.raises(EdgeCnnError, match="no pictures"):
        bootstrap(mean(1), np.zeros((0, 1)))
