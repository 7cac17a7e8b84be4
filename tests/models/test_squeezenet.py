import pytest
import torch

import edgecnn
from edgecnn.errors import EdgeCnnError
from edgecnn.models import build
from edgecnn.spec import ModelSpec

# Parameters, mult-adds, receptive field.
GOLDEN = {
    "squeezenet1_0": (1_248_424, 861_339_936, 155),
    "squeezenet1_0(conv10=unpadded)": (1_248_424, 832_667_936, 155),
    "squeezenet1_0(conv10=unpadded, res=224)": (1_248_424, 818_924_576, 155),
    "squeezenet1_0(conv10=unpadded, res=224, pool=floor)": (1_248_424, 777_221_152, 155),
    "squeezenet1_1": (1_235_496, 387_747_520, 207),
    "squeezenet1_1(pool=floor)": (1_235_496, 352_540_352, 207),
    "squeezenet1_1(res=224)": (1_235_496, 349_151_936, 207),
}


@pytest.mark.parametrize("text", GOLDEN, ids=str)
def test_costs_are_exact(text):
    result = edgecnn.costs(text)
    parameters, mult_adds, receptive_field = GOLDEN[text]
    assert (result.parameters, result.mult_adds) == (parameters, mult_adds)
    assert result.receptive_field == (receptive_field, receptive_field)


def test_the_first_fire_module_costs_what_its_row_says():
    layers = [
        layer for layer in edgecnn.costs("squeezenet1_0").layers if layer.name.startswith("features.3.")
    ]
    weights = 96 * 16 + 16 * 64 + 9 * 16 * 64
    assert sum(layer.parameters for layer in layers) == weights + 16 + 64 + 64
    assert sum(layer.mult_adds for layer in layers) == 55 * 55 * weights


@pytest.mark.parametrize(("conv10", "side"), [("padded", 15), ("unpadded", 13)])
def test_the_official_conv10_is_padded(conv10, side):
    layers = edgecnn.costs(f"squeezenet1_0(conv10={conv10})").layers
    assert [layer.shape for layer in layers if layer.name == "classifier.1"] == [(1, 1000, side, side)]


def test_around_a_padded_conv10_there_is_its_bias():
    module = build(ModelSpec.parse("squeezenet1_0(width=0.1, res=32, classes=3)"))
    conv10 = module.classifier[1]
    with torch.no_grad():
        border = conv10(torch.randn(1, conv10.in_channels, 2, 2))[0, :, 0]
    torch.testing.assert_close(border, conv10.bias[:, None].expand(3, 4))


KEYS = {
    "squeezenet1_0": {
        "features.0.weight": (96, 3, 7, 7),
        "features.3.squeeze.weight": (16, 96, 1, 1),
        "features.10.expand3x3.bias": (256,),
        "features.12.squeeze.weight": (64, 512, 1, 1),
        "classifier.1.weight": (1000, 512, 1, 1),
    },
    "squeezenet1_1": {
        "features.0.weight": (64, 3, 3, 3),
        "features.3.squeeze.weight": (16, 64, 1, 1),
        "features.7.expand1x1.weight": (128, 32, 1, 1),
        "features.12.expand3x3.weight": (256, 64, 3, 3),
        "classifier.1.bias": (1000,),
    },
}


@pytest.mark.parametrize("name", KEYS)
def test_names_and_shapes_are_torchvisions(name):
    state = build(ModelSpec.parse(name), "meta").state_dict()
    assert {key: tuple(state[key].shape) for key in KEYS[name]} == KEYS[name]
    assert len(state) == 2 * (1 + 8 * 3 + 1)


@pytest.mark.parametrize("width", [0.1, 0.37, 2.0])
def test_any_width_builds(width):
    module = build(ModelSpec.parse(f"squeezenet1_0(width={width})"), "meta")
    assert module(torch.empty(1, 3, 227, 227, device="meta")).shape == (1, 1000)


@pytest.mark.parametrize(("name", "least"), [("squeezenet1_0", 35), ("squeezenet1_1", 31)])
def test_pools_that_round_down_need_a_larger_image(name, least):
    assert edgecnn.costs(f"{name}(pool=floor, res={least})").mult_adds > 0
    with pytest.raises(EdgeCnnError, match=f"at least {least}"):
        edgecnn.costs(f"{name}(pool=floor, res={least - 1})")


def test_dropout_stands_before_conv10():
    module = build(ModelSpec.parse("squeezenet1_0"), "meta")
    assert isinstance(module.classifier[0], torch.nn.Dropout)
    assert module.classifier[0].p == 0.5
