import pytest
import torch
from torch import nn

import edgecnn
from edgecnn.models import build
from edgecnn.spec import ModelSpec

# Parameters, mult-adds, receptive field.
GOLDEN = {
    "vgg11": (132_863_336, 7_609_090_048, 150),
    "vgg11_lrn": (132_863_336, 7_609_090_048, 150),
    "vgg13": (133_047_848, 11_308_466_176, 156),
    "vgg16_c": (133_638_952, 11_770_888_192, 156),
    "vgg16": (138_357_544, 15_470_264_320, 212),
    "vgg19": (143_667_240, 19_632_062_464, 268),
    "vgg11(classes=10, in_channels=1)": (128_806_154, 7_547_232_256, 150),
}

CLASSIFIER = 512 * 49 * 4096 + 4096 * 4096 + 4096 * 1000  # weights, which are its mult-adds too


@pytest.mark.parametrize("text", GOLDEN, ids=str)
def test_costs_are_exact(text):
    result = edgecnn.costs(text)
    parameters, mult_adds, receptive_field = GOLDEN[text]
    assert (result.parameters, result.mult_adds) == (parameters, mult_adds)
    assert result.receptive_field == (receptive_field, receptive_field)


@pytest.mark.parametrize(
    ("name", "mult_adds"), [("vgg16", 15_346_630_656), ("vgg19", 19_508_428_800)], ids=str
)
def test_the_convolutions_alone_cost_what_the_resnet_paper_says(name, mult_adds):
    layers = [layer for layer in edgecnn.costs(name).layers if layer.kind.startswith("Conv")]
    assert sum(layer.mult_adds for layer in layers) == mult_adds == GOLDEN[name][1] - CLASSIFIER


def test_the_convolutions_of_16_have_a_tenth_of_its_parameters():
    layers = edgecnn.costs("vgg16").layers
    of_convolutions = sum(layer.parameters for layer in layers if layer.kind.startswith("Conv"))
    assert of_convolutions == 14_714_688 == GOLDEN["vgg16"][0] - CLASSIFIER - (4096 + 4096 + 1000)


@pytest.mark.parametrize("name", ["vgg11", "vgg13", "vgg16_c", "vgg16", "vgg19"])
def test_the_number_is_that_of_the_layers_with_weights(name):
    kinds = [layer.kind.split()[0] for layer in edgecnn.costs(name).layers]
    assert kinds.count("Conv") + kinds.count("Gemm") == int(name[3:5])
    assert kinds.count("MaxPool") == 5


def test_c_has_a_1x1_convolution_at_the_end_of_its_last_three_stacks():
    kinds = [layer.kind for layer in edgecnn.costs("vgg16_c").layers if layer.kind != "Relu"]
    ends = [kinds[index - 1] for index, kind in enumerate(kinds) if kind == "MaxPool"]
    assert ends == ["Conv 3x3"] * 2 + ["Conv 1x1"] * 3
    assert kinds.count("Conv 1x1") == 3


def test_a_lrn_normalizes_once_and_is_a_otherwise():
    plain, normed = ([layer.kind for layer in edgecnn.costs(name).layers] for name in ("vgg11", "vgg11_lrn"))
    assert normed[:4] == ["Conv 3x3", "Relu", "LRN", "MaxPool"]
    assert normed[:2] + normed[3:] == plain


KEYS = {
    "vgg11": ((0, 3, 6, 8, 11, 13, 16, 18), 512 * 7 * 7),
    "vgg13": ((0, 2, 5, 7, 10, 12, 15, 17, 20, 22), 512 * 7 * 7),
    "vgg16": ((0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28), 512 * 7 * 7),
    "vgg19": ((0, 2, 5, 7, 10, 12, 14, 16, 19, 21, 23, 25, 28, 30, 32, 34), 512 * 7 * 7),
}


@pytest.mark.parametrize("name", KEYS)
def test_names_and_shapes_are_torchvisions(name):
    places, features = KEYS[name]
    state = build(ModelSpec.parse(name), "meta").state_dict()
    layers = [f"features.{place}" for place in places] + [f"classifier.{place}" for place in (0, 3, 6)]
    assert list(state) == [f"{layer}.{kind}" for layer in layers for kind in ("weight", "bias")]
    assert state["classifier.0.weight"].shape == (4096, features)


def test_the_classifier_takes_the_map_of_any_resolution():
    module = build(ModelSpec.parse("vgg11(width=0.1, res=64x96, classes=7)"))
    assert module.classifier[0].in_features == 48 * 2 * 3  # make_divisible(51.2) x 2 x 3
    assert module(torch.zeros(2, 3, 64, 96)).shape == (2, 7)


def test_dropout_is_real_in_training():
    module = build(ModelSpec.parse("vgg11(width=0.1, res=32)"))
    assert [part.p for part in module.modules() if isinstance(part, nn.Dropout)] == [0.5, 0.5]
    image = torch.randn(1, 3, 32, 32)
    assert not torch.equal(module.train()(image), module(image))
