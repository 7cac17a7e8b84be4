import numpy as np
import pytest
import torch

import edgecnn
from edgecnn.errors import EdgeCnnError
from edgecnn.models import ARCHITECTURES, build
from edgecnn.models.initialize import initialize
from edgecnn.models.lenet5 import C3, NearestCode, ScaledTanh, SubSampling, codes, connections
from edgecnn.optimize import train
from edgecnn.spec import ModelSpec, Res
from edgecnn.training_recipe import Recipe

# (parameters, connections, receptive field) of each layer, from the paper's text.
LAYERS = {
    "c1": (156, 122_304, 5),
    "s2": (12, 5_880, 6),
    "c3": (1_516, 151_600, 14),
    "s4": (32, 2_000, 16),
    "c5": (48_120, 48_120, 32),
    "f6": (10_164, 10_164, None),
}


@pytest.fixture
def lenet5():
    return build(ModelSpec.parse("lenet5"))


def test_costs_are_exact():
    result = edgecnn.costs("lenet5")
    weights = 25 * 6 + 25 * 60 + 25 * 16 * 120 + 120 * 84
    mult_adds = 28**2 * 25 * 6 + 10**2 * 25 * 60 + 25 * 16 * 120 + 120 * 84
    assert result.parameters == 60_000 == weights + 2 * 6 + 2 * 16 + 6 + 16 + 120 + 84
    assert result.mult_adds == 325_680 == mult_adds  # a squared distance is no multiplication by a weight
    assert result.receptive_field == (32, 32)


@pytest.mark.parametrize("name", LAYERS)
def test_each_layer_has_the_papers_parameters(lenet5, name):
    part = lenet5.get_submodule(name)
    assert sum(parameter.numel() for parameter in part.parameters()) == LAYERS[name][0]


@pytest.mark.parametrize("name", [name for name in LAYERS if LAYERS[name][2]])
def test_each_layer_sees_what_the_paper_says(name):
    layers = [layer for layer in edgecnn.costs("lenet5").layers if layer.name.split(".")[0] == name]
    assert layers[-1].receptive_field == (LAYERS[name][2],) * 2


def test_the_connections_are_the_papers_and_stand_in_the_summary():
    assert connections() == 340_908 == sum(row[1] for row in LAYERS.values()) + 84 * 10
    assert "340,908 connections" in ARCHITECTURES["lenet5"].summary


def test_a_larger_image_has_more_connections():
    c1, s2, c3, s4, c5 = 32 * 30 * 156, 16 * 15 * 30, 12 * 11 * 1516, 6 * 5 * 80, 2 * 1 * 48_120
    assert connections(Res(36, 34)) == c1 + s2 + c3 + s4 + c5 + 84 * (240 + 1) + 840


def test_the_table_has_sixty_links_and_treats_all_maps_alike():
    assert [len(maps) for maps in C3] == [3] * 6 + [4] * 9 + [6]
    assert [sum(source in maps for maps in C3) for source in range(6)] == [10] * 6
    assert len(set(C3)) == 16


def test_a_map_of_c3_depends_on_its_maps_alone(lenet5):
    image = torch.randn(1, 6, 14, 14)
    with torch.no_grad():
        before = lenet5.c3(image)
        for source in range(6):
            changed = image.clone()
            changed[:, source] += 1.0
            differs = (lenet5.c3(changed) != before).any(-1).any(-1)[0].tolist()
            assert differs == [source in maps for maps in C3]


def test_a_map_of_c3_is_the_convolution_of_its_maps(lenet5):
    image = torch.randn(2, 6, 14, 14)
    with torch.no_grad():
        maps = lenet5.c3(image)
        four = lenet5.c3.convs[1]
        expected = torch.conv2d(image[:, [0, 3, 4, 5]], four.weight[3:4], four.bias[3:4])
    torch.testing.assert_close(maps[:, 9:10], expected)


def test_sub_sampling_is_a_sum_a_coefficient_a_bias_and_a_sigmoid():
    layer = SubSampling(1)
    with torch.no_grad():
        layer.weight.fill_(0.5)
        layer.bias.fill_(-2.0)
        (found,) = layer(torch.tensor([1.0, 2.0, 3.0, 4.0]).reshape(1, 1, 2, 2)).flatten()
    assert found.item() == pytest.approx(1 / (1 + np.exp(-(0.5 * 10 - 2))))


def test_it_begins_as_the_average():
    image = torch.randn(1, 3, 4, 4)
    torch.testing.assert_close(SubSampling(3)(image), torch.nn.functional.avg_pool2d(image, 2).sigmoid())


def test_the_squashing_function_has_its_codes_where_it_should():
    assert ScaledTanh()(torch.tensor([-1.0, 0.0, 1.0, 100.0])).numpy() == pytest.approx(
        [-1.0, 0.0, 1.0, 1.7159], abs=1e-4
    )


def test_the_codes_are_ten_drawings_of_seven_by_twelve():
    drawings = codes()
    assert drawings.shape == (10, 7 * 12)
    assert set(drawings.unique().tolist()) == {-1.0, 1.0}
    distances = (drawings[:, None] != drawings[None]).sum(-1) + 84 * torch.eye(10, dtype=torch.int64)
    assert distances.min() >= 9, "two digits look alike"
    one = drawings[1].reshape(12, 7)
    assert (one[1:11, 3] == 1).all(), "a one is a bar"
    assert torch.equal(drawings[0].reshape(12, 7), drawings[0].reshape(12, 7).flip(0, 1)), (
        "a zero is symmetric"
    )


def test_the_score_is_minus_the_squared_distance_to_the_code():
    x = torch.randn(3, 84)
    scores = NearestCode(10)(x)
    torch.testing.assert_close(scores, -(torch.cdist(x, codes()) ** 2), rtol=1e-4, atol=1e-3)
    assert NearestCode(10)(codes()).argmax(1).tolist() == list(range(10))


def test_the_codes_are_saved_and_not_trained(lenet5):
    assert "output.codes" in lenet5.state_dict()
    assert "output.codes" not in dict(lenet5.named_parameters())


def test_there_are_codes_of_ten_digits():
    assert build(ModelSpec.parse("lenet5(classes=4)"))(torch.zeros(1, 1, 32, 32)).shape == (1, 4)
    with pytest.raises(EdgeCnnError, match="10 digits"):
        build(ModelSpec.parse("lenet5(classes=11)"))


def test_it_learns():
    generator = np.random.default_rng(0)
    labels = np.arange(40) % 4
    images = generator.normal(0, 0.1, (40, 1, 32, 32)).astype(np.float32)
    for image, label in zip(images, labels, strict=True):
        image[0, 8 * label : 8 * label + 8] += 1.0  # one bar, at another height for each class
    module = initialize(build(ModelSpec.parse("lenet5(classes=4)")), 0, torch.from_numpy(images))
    history = train(module, images, labels, Recipe(epochs=6, lr=0.002, shift=0), seed=0)
    assert history[-1].loss < 0.2 < 1.0 < history[0].loss
    with torch.no_grad():
        assert (module.eval()(torch.from_numpy(images)).argmax(1).numpy() == labels).all()
