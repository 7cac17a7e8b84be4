import pytest
import torch
from torch import nn

from edgecnn.models.chain import CEIL_POOL, MAX_POOL, NORM, Conv, chain, features, map_size
from edgecnn.spec import Res

TABLE = (Conv(16, 7, stride=2, padding=1), CEIL_POOL, NORM, Conv(24, 3), MAX_POOL, nn.Identity)


@pytest.mark.parametrize("res", [Res(24, 47), Res(40, 23), Res(33, 64)], ids=str)
def test_the_size_of_a_map_is_what_the_layers_give(res):
    layers, channels = features(TABLE, 1.0, 3)
    found = layers(torch.zeros(1, 3, res.height, res.width))
    assert found.shape == (1, channels, *map_size(layers, res))


def test_the_width_changes_every_layer_but_the_last():
    module = chain(TABLE, width=0.5, res=Res(32, 32), classes=5, in_channels=3, units=64)
    assert [part.out_channels for part in module.features if isinstance(part, nn.Conv2d)] == [8, 16]
    assert [part.out_features for part in module.classifier if isinstance(part, nn.Linear)] == [32, 32, 5]


@pytest.mark.parametrize(
    ("first", "kinds"),
    [(True, ["Dropout", "Linear", "ReLU"] * 2), (False, ["Linear", "ReLU", "Dropout"] * 2)],
    ids=["first", "behind"],
)
def test_dropout_stands_where_asked(first, kinds):
    module = chain(TABLE, width=1.0, res=Res(32, 32), classes=5, in_channels=3, units=8, dropout_first=first)
    assert [type(part).__name__ for part in module.classifier] == [*kinds, "Linear"]
