"""What a recipe does to each batch before the network sees it."""

from edgecnn.augmentation import Augmentation
from edgecnn.data.augment import augment
from edgecnn.optimize.loop import Augment
from edgecnn.preprocessing import Preprocessing
from edgecnn.training_recipe import Recipe


def augmentation(recipe: Recipe, preprocessing: Preprocessing) -> Augment | None:
    """Return the random changes that the recipe asks for; None where it asks for none.

    Args:
        recipe: what to change.
        preprocessing: the contract of the inputs.
    """
    asked = recipe.augmentation
    if asked == Augmentation():
        return None
    return lambda inputs, masks, generator: augment(inputs, masks, asked, generator, preprocessing)
