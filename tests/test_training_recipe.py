import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgecnn.errors import EdgeCnnError, UnknownNameError
from edgecnn.training_recipe import Recipe


def test_the_rate_rises_linearly_during_warm_up_and_follows_the_schedule():
    recipe = Recipe(epochs=10, lr=0.4, warmup_epochs=2.0, schedule="constant")
    rates = [recipe.learning_rate(step, 5) for step in range(12)]
    assert rates == pytest.approx([0.4 * (step + 1) / 10 for step in range(10)] + [0.4, 0.4])


def test_cosine_is_half_way_down_in_the_middle_and_0_at_the_end():
    recipe = Recipe(epochs=10, lr=0.4, warmup_epochs=0.0)
    assert recipe.learning_rate(0, 5) == pytest.approx(0.4)
    assert recipe.learning_rate(25, 5) == pytest.approx(0.4 / 2)
    assert recipe.learning_rate(50, 5) == pytest.approx(0)


def test_step_multiplies_the_rate_every_so_many_epochs():
    recipe = Recipe(epochs=9, lr=0.4, warmup_epochs=0.0, schedule="step", step_epochs=3, step_factor=0.1)
    rates = [recipe.learning_rate(epoch * 5, 5) for epoch in range(9)]
    assert rates == pytest.approx([0.4] * 3 + [0.04] * 3 + [0.004] * 3)


def test_without_warm_up_the_first_step_has_the_full_rate():
    assert Recipe(warmup_epochs=0.0, lr=0.3).learning_rate(0, 7) == 0.3


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("epochs", 0),
        ("epochs", 1.5),
        ("epochs", True),
        ("batch", 1),
        ("lr", 0.0),
        ("lr", -0.1),
        ("lr", math.nan),
        ("lr", math.inf),
        ("lr", "fast"),
        ("momentum", 1.0),
        ("weight_decay", -1e-4),
        ("warmup_epochs", -1.0),
        ("step_factor", 0.0),
        ("label_smoothing", 1.0),
        ("shift", -1),
        ("flip", 2.0),
        ("ema", 1.0),
        ("dropout", -0.1),
        ("dice", -1.0),
    ],
)
def test_an_impossible_value_is_refused_by_the_name_of_its_option(key, value):
    with pytest.raises(
        EdgeCnnError, match=f"{key.replace('_', '-')}={value} of the (training|augmentation) is not a"
    ):
        Recipe(**{key: value})


def test_an_unknown_schedule_is_answered_with_the_nearest():
    with pytest.raises(UnknownNameError, match="unknown schedule 'cosin'; did you mean cosine"):
        Recipe(schedule="cosin")


def test_override_leaves_what_is_not_given():
    recipe = Recipe(epochs=3, lr=0.2)
    assert recipe.override(epochs=None, batch=8) == Recipe(epochs=3, lr=0.2, batch=8)


def test_the_last_given_way_of_steps_counts():
    recipe = Recipe(schedule="step", milestones=(2, 5))
    assert [recipe.steps_before(epoch) for epoch in (1.9, 2.0, 4.9, 5.0, 9.0)] == [0, 1, 1, 2, 2]
    assert [recipe.override(step_epochs=4).steps_before(epoch) for epoch in (3.9, 4.0, 8.0)] == [0, 1, 2]


@pytest.mark.parametrize("milestones", [(0,), (3, 3), (5, 2), (1.5,), 4, (True,)], ids=str)
def test_milestones_are_epochs_that_rise(milestones):
    with pytest.raises(EdgeCnnError, match="are not numbers of epochs that rise, such as 30,60"):
        Recipe(milestones=milestones)


def test_an_unknown_key_is_answered_with_the_nearest():
    with pytest.raises(UnknownNameError, match="'epoch'; did you mean epochs"):
        Recipe().override(epoch=3)


@given(
    epochs=st.integers(1, 1000),
    lr=st.floats(1e-6, 10),
    momentum=st.floats(0, 0.99),
    schedule=st.sampled_from(["cosine", "step", "constant"]),
)
def test_json_gives_the_same_recipe_back(epochs, lr, momentum, schedule):
    recipe = Recipe(epochs=epochs, lr=lr, momentum=momentum, schedule=schedule)
    assert Recipe.from_json(json.loads(json.dumps(recipe.to_json()))) == recipe
