import pytest

from edgecnn.calls import parse_recipe
from edgecnn.errors import EdgeCnnError
from edgecnn.quantize.ladder import Score, climb, rungs

from .networks import chain, context, graph


def score(drop):
    return Score(what="top-1", value=0.9 - drop / 100, drop_points=drop, low_points=0, high_points=2, n=100)


def climbed(drops, max_drop, recipes=("fold", "equalize", "fold | equalize")):
    given = iter(drops)
    return climb(
        graph(chain()),
        [parse_recipe(recipe) for recipe in recipes],
        lambda _model: score(next(given)),
        max_drop,
        context=context(),
    )


@pytest.mark.parametrize(("drops", "taken"), [((0.4,), 1), ((0.6, 0.5), 2), ((3, 2, -0.1), 3)])
def test_the_first_recipe_that_keeps_enough_is_taken_and_no_dearer_one_is_tried(drops, taken):
    tried = climbed(drops, 0.5)
    assert len(tried) == taken
    assert [rung.score.drop_points for rung in tried] == list(drops)


def test_where_none_keeps_enough_the_best_is_named_with_what_it_loses():
    with pytest.raises(
        EdgeCnnError, match=r"none of 3 .* best is 'equalize'.* 1\.20 points .*--max-drop 1\.2"
    ):
        climbed((3, 1.2, 2), 0.5)


@pytest.mark.parametrize("max_drop", [-0.1, 101, float("nan")])
def test_a_drop_that_cannot_be_is_refused(max_drop):
    with pytest.raises(EdgeCnnError, match="0 to 100"):
        climbed((0,), max_drop)


def test_every_recipe_is_checked_before_the_first_is_run():
    with pytest.raises(EdgeCnnError, match="unknown pass"):
        climbed((0,), 0.5, recipes=("fold", "eqalize"))


def test_the_rungs_go_from_one_calibration_to_layers_in_float():
    names = [[call.name for call in recipe] for recipe in rungs()]
    assert names[0] == ["int8"]
    first_mixed = next(place for place, each in enumerate(names) if "mixed" in each)
    assert all("mixed" in each for each in names[first_mixed:])
    assert rungs(mixed=False) == rungs()[:first_mixed]
    assert [[call.name for call in recipe][-1] for recipe in rungs(half_layers=True)[first_mixed:]] == [
        "fp16"
    ] * 4
    assert rungs(half=True) == (*rungs(), parse_recipe("fp16"))
    assert len({str(recipe) for recipe in rungs()}) == len(rungs())


def test_a_rung_says_what_its_graph_computes_in():
    recipes = (
        "int8",
        "int8 | mixed(float_layers=1) | correct_bias",
        "int8 | mixed | correct_bias | fp16",
        "fp16",
    )
    tried = climbed((3, 3, 3, 0), 0.5, recipes)
    assert [rung.precision for rung in tried] == ["int8", "int8 and fp32", "int8 and fp16", "fp16"]
    assert "int8 and fp16, top-1" in str(tried[2])
