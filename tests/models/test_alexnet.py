import math

import pytest
import torch
from torch import nn

import edgecnn
from edgecnn.errors import EdgeCnnError
from edgecnn.export.recorder import record
from edgecnn.models import build, complete
from edgecnn.models.chain import NORM
from edgecnn.spec import ModelSpec

# Parameters, mult-adds, receptive field.
GOLDEN = {
    "alexnet": (62_378_344, 1_135_256_096, 195),
    "alexnet(order=pool_norm)": (62_378_344, 1_135_256_096, 195),
    "alexnet(streams=2)": (60_965_224, 724_406_816, 195),
    "alexnet_d2l": (46_764_746, 938_146_176, 195),
    "alexnet_d2l(in_channels=3, classes=1000)": (50_844_008, 1_009_945_728, 195),
    "alexnet_torchvision": (61_100_840, 714_188_480, 195),
}


@pytest.mark.parametrize("text", GOLDEN, ids=str)
def test_costs_are_exact(text):
    result = edgecnn.costs(text)
    parameters, mult_adds, receptive_field = GOLDEN[text]
    assert (result.parameters, result.mult_adds) == (parameters, mult_adds)
    assert result.receptive_field == (receptive_field, receptive_field)


def nodes(text):
    spec = complete(ModelSpec.parse(text))
    shape = (1, spec.in_channels, spec.res.height, spec.res.width)
    return list(record(build(spec, "meta"), shape).graph)


FIRST = {
    "alexnet": ["Conv", "Relu", "LRN", "MaxPool"],
    "alexnet(order=pool_norm)": ["Conv", "Relu", "MaxPool", "LRN"],
    "alexnet_d2l": ["Conv", "Relu", "MaxPool"],
    "alexnet_torchvision": ["Conv", "Relu", "MaxPool"],
}


@pytest.mark.parametrize("text", FIRST, ids=str)
def test_the_order_of_layers(text):
    last = ["Conv", "Relu"] * 3 + ["MaxPool", "Flatten"] + ["Gemm", "Relu"] * 2 + ["Gemm"]
    assert [node.op_type for node in nodes(text)] == FIRST[text] * 2 + last


SIZES = {  # of conv1, pool1, pool2 and pool5
    "alexnet": (55, 27, 13, 6),
    "alexnet_d2l": (54, 26, 12, 5),
    "alexnet_torchvision": (55, 27, 13, 6),
}


@pytest.mark.parametrize("name", SIZES)
def test_maps_have_the_printed_sizes(name):
    layers = edgecnn.costs(name).layers
    first = next(layer.shape[2] for layer in layers if layer.kind.startswith("Conv"))
    pools = [layer.shape[2] for layer in layers if layer.kind == "MaxPool"]
    assert (first, *pools) == SIZES[name]


def test_the_two_streams_have_the_papers_neurons_and_groups():
    layers = edgecnn.costs("alexnet(streams=2)").layers
    kinds = [layer.kind for layer in layers if layer.kind.startswith("Conv")]
    assert kinds == ["Conv 11x11", "Conv 2 groups 5x5", "Conv 3x3", "Conv 2 groups 3x3", "Conv 2 groups 3x3"]
    neurons = sum(math.prod(layer.shape) for layer in layers if layer.kind.startswith(("Conv", "Gemm")))
    assert neurons == 659_272  # "650,000 neurons"


@pytest.mark.parametrize("width", [0.1, 0.37, 1.3])
def test_both_streams_are_equal_at_any_width(width):
    module = build(ModelSpec.parse(f"alexnet(streams=2, width={width}, res=67)"), "meta")
    assert module(torch.empty(2, 3, 67, 67, device="meta")).shape == (2, 1000)


def test_streams_are_one_or_two():
    with pytest.raises(EdgeCnnError, match="streams of alexnet '?3"):
        build(ModelSpec.parse("alexnet(streams=3)"), "meta")


def test_normalization_is_the_papers_formula():
    """b_i = a_i / (k + α Σ a_j²)^β over the five channels around i; α is not divided by five."""
    a = 50 * torch.randn(1, 9, 2, 2, dtype=torch.float64)
    around = [a[:, max(0, i - 2) : i + 3].square().sum(1) for i in range(9)]
    expected = a / (2 + 1e-4 * torch.stack(around, 1)) ** 0.75
    torch.testing.assert_close(NORM()(a), expected)
    assert not torch.allclose(a / 2**0.75, expected, rtol=0.1), "too small to see the sum"


KEYS = {
    "features.0.weight": (64, 3, 11, 11),
    "features.3.weight": (192, 64, 5, 5),
    "features.6.weight": (384, 192, 3, 3),
    "features.8.weight": (256, 384, 3, 3),
    "features.10.bias": (256,),
    "classifier.1.weight": (4096, 256 * 6 * 6),
    "classifier.4.weight": (4096, 4096),
    "classifier.6.bias": (1000,),
}


def test_names_and_shapes_are_torchvisions():
    state = build(ModelSpec.parse("alexnet_torchvision"), "meta").state_dict()
    assert {key: tuple(state[key].shape) for key in KEYS} == KEYS
    assert len(state) == 2 * (5 + 3)


@pytest.mark.parametrize("name", ["alexnet", "alexnet_d2l", "alexnet_torchvision"])
def test_dropout_is_real_in_training_and_gone_in_the_graph(name):
    spec = ModelSpec.parse(f"{name}(width=0.1, res=67)")
    module = build(spec)
    image = torch.randn(1, complete(spec).in_channels, 67, 67)
    assert torch.equal(module(image), module(image))
    module.train()
    assert not torch.equal(module(image), module(image))
    assert [part.p for part in module.modules() if isinstance(part, nn.Dropout)] == [0.5, 0.5]
    assert "Dropout" not in {node.op_type for node in nodes(str(spec))}
