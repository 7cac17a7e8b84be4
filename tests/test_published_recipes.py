import pytest

from edgecnn.errors import UnknownNameError
from edgecnn.published_recipes import DEFAULT, RECIPES, published
from edgecnn.training_recipe import Recipe


def test_alexnet_is_trained_as_its_paper_says():
    recipe = published("alexnet")
    assert (recipe.batch, recipe.momentum, recipe.weight_decay, recipe.lr) == (128, 0.9, 5e-4, 1e-2)
    rates = [recipe.learning_rate(epoch, 1) for epoch in range(recipe.epochs)]
    assert sorted(set(rates), reverse=True) == pytest.approx([1e-2, 1e-3, 1e-4, 1e-5])


def test_the_rate_of_a_cifar_resnet_falls_at_a_half_and_three_quarters():
    # 32k, 48k and 64k steps of 128 images; an epoch of 45,000 images has 352.
    recipe = published("resnet_cifar")
    assert [steps // 352 + 1 for steps in (32_000, 48_000)] == [91, 137]
    assert recipe.milestones == (91, 136)
    assert [recipe.learning_rate(epoch, 1) for epoch in (90, 91, 135, 136)] == pytest.approx(
        [0.1, 0.01, 0.01, 0.001]
    )


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_has_a_source_and_falls_to_a_hundredth_at_most(name):
    recipe = published(name)
    last = recipe.learning_rate(recipe.epochs - 1, 1)
    assert RECIPES[name].source
    assert last <= recipe.lr / 100 * 1.001


def test_the_default_moves_the_images_besides():
    assert published(DEFAULT) == Recipe(shift=2)


def test_an_unknown_name_is_answered_with_the_nearest():
    with pytest.raises(UnknownNameError, match="unknown recipe 'alexnt'; did you mean alexnet"):
        published("alexnt")
