"""Training recipes by the name of the network whose paper gives them.

What a paper leaves open, or does with an optimizer other than SGD with momentum, its row says. Batch sizes
are those of the whole step: over several processes, divide them.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from edgecnn.errors import UnknownNameError
from edgecnn.training_recipe import Recipe

DEFAULT = "default"


@dataclass(frozen=True, kw_only=True)
class Published:
    """A recipe, and where it is from."""

    recipe: Recipe
    source: str


_STEP = Recipe(warmup_epochs=0.0, schedule="step")

RECIPES: Mapping[str, Published] = {
    DEFAULT: Published(
        recipe=Recipe(shift=2), source="edgecnn: small sets of small pictures, in a minute on two cores"
    ),
    "lenet": Published(
        recipe=Recipe(epochs=30, batch=128, lr=0.1, weight_decay=0.0, warmup_epochs=1.0),
        source="D2L §7.6: batches of 128 at 0.1; momentum and the cosine, in place of more epochs, are ours",
    ),
    "alexnet": Published(
        recipe=_STEP.override(epochs=90, batch=128, lr=0.01, step_epochs=23, flip=0.5, crop=16, colour=0.1),
        source="Krizhevsky et al. 2012, §4.1 and §5; the rate falls three times, the paper says not when",
    ),
    "vgg": Published(
        recipe=_STEP.override(
            epochs=74, batch=256, lr=0.01, step_epochs=19, flip=0.5, scale=0.25, colour=0.1
        ),
        source="Simonyan and Zisserman 2014, arXiv:1409.1556, §3.1; when the rate falls is not said",
    ),
    "resnet": Published(
        recipe=_STEP.override(
            epochs=120, batch=256, weight_decay=1e-4, step_epochs=30, flip=0.5, scale=0.25, colour=0.1
        ),
        source="He et al. 2015, arXiv:1512.03385, §3.4: 60e4 steps; the rate falls where the error stops to",
    ),
    "resnet_cifar": Published(
        recipe=_STEP.override(
            epochs=182, batch=128, weight_decay=1e-4, milestones=(91, 136), flip=0.5, crop=4
        ),
        source="He et al. 2015, arXiv:1512.03385, §4.2: 32k, 48k and 64k steps on 45,000 pictures",
    ),
    "densenet_cifar": Published(
        recipe=_STEP.override(
            epochs=300, batch=64, weight_decay=1e-4, milestones=(150, 225), flip=0.5, crop=4
        ),
        source="Huang et al. 2016, arXiv:1608.06993, §4.2; without the Nesterov form of the momentum",
    ),
    "mobilenet": Published(
        recipe=Recipe(
            epochs=100, batch=96, lr=0.05, weight_decay=4e-5, warmup_epochs=5.0, flip=0.5, scale=0.25
        ),
        source="TF-Slim's weight decay and batch (Howard et al. 2017 used RMSprop); rate and cosine are ours",
    ),
}


def published(name: str) -> Recipe:
    """Return a published recipe.

    Args:
        name: one of those of docs/training.md, such as `mobilenet`.

    Raises:
        UnknownNameError: there is none; names the nearest ones.
    """
    if name not in RECIPES:
        raise UnknownNameError("recipe", name, RECIPES)
    return RECIPES[name].recipe
