import numpy as np
import onnx_ir as ir
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from edgecnn.calls import parse_recipe
from edgecnn.export.parity import compare
from edgecnn.graph import shapes
from edgecnn.quantize import compress
from edgecnn.quantize.channels import layer
from edgecnn.quantize.equalize import equalize
from edgecnn.runtime.onnx_runner import OnnxRunner

from .networks import Branches, after, chain, graph, pictures, spoil


def last(*layers):
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten())


PAIRS = {
    "Relu": last(nn.Conv2d(3, 6, 3), nn.ReLU(), nn.Conv2d(6, 4, 3)),
    "nothing": last(nn.Conv2d(3, 6, 3, bias=False), nn.Conv2d(6, 4, 3)),
    "MaxPool": last(nn.Conv2d(3, 6, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 4, 3)),
    "padding": last(nn.Conv2d(3, 6, 3), nn.ReLU(), nn.ZeroPad2d((1, 0, 1, 0)), nn.Conv2d(6, 4, 3)),
    "resizing": last(nn.Conv2d(3, 6, 3), nn.ReLU(), nn.Upsample(scale_factor=2), nn.Conv2d(6, 4, 3)),
    "groups": last(nn.Conv2d(3, 6, 3), nn.ReLU(), nn.Conv2d(6, 8, 3, groups=2)),
    "groups first": last(nn.Conv2d(3, 6, 3, groups=3), nn.ReLU(), nn.Conv2d(6, 4, 3)),
    "depthwise of two": last(nn.Conv2d(3, 6, 3), nn.ReLU(), nn.Conv2d(6, 12, 3, groups=6)),
    "ConvTranspose": last(nn.ConvTranspose2d(3, 6, 2, 2), nn.ReLU(), nn.ConvTranspose2d(6, 4, 3)),
    "grouped ConvTranspose": last(nn.Conv2d(3, 6, 3), nn.ReLU(), nn.ConvTranspose2d(6, 4, 3, groups=2)),
    "Flatten": nn.Sequential(nn.Conv2d(3, 6, 3), nn.ReLU(), nn.Flatten(), nn.Linear(6 * 36, 5)),
    "pooling": nn.Sequential(nn.Conv2d(3, 6, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 5)),
    "two Gemms": nn.Sequential(nn.Flatten(), nn.Linear(192, 7), nn.ReLU(), nn.Linear(7, 5)),
}


@pytest.mark.parametrize("module", PAIRS.values(), ids=PAIRS)
def test_a_pair_is_equalized_and_the_output_stays(module):
    model = graph(module)
    (first,) = [node.name for node in model.graph if layer(node)][:1]
    result = equalize(model)
    assert result.matched == 1
    images = pictures()
    assert compare("", OnnxRunner(model)(images), OnnxRunner(result.model)(images), 1e-5).holds
    moved = [
        name
        for name, value in result.model.graph.initializers.items()
        if not np.array_equal(value.const_value.numpy(), model.graph.initializers[name].const_value.numpy())
    ]
    assert any(name.startswith(f"{first}.") for name in moved)


SLOPES = {"LeakyRelu": "LeakyRelu <alpha = 0.2> (a)", "PRelu": "PRelu(a, slope)"}


@pytest.mark.parametrize("activation", SLOPES.values(), ids=SLOPES)
def test_an_activation_with_a_slope_below_zero_commutes_too(activation, rng):
    sizes = {"w": (6, 3, 1, 1), "v": (4, 6, 1, 1), "slope": (6, 1, 1)}
    weights = ", ".join(
        f"float{list(size)} {name} = {{{', '.join(map(str, rng.standard_normal(np.prod(size))))}}}"
        for name, size in sizes.items()
        if name in f"w v {activation}"
    )
    model = ir.from_onnx_text(f"""<ir_version: 7, opset_import: ["" : 13]>
    g (float[1,3,8,8] x) => (float[1,4,8,8] y) <{weights}>
    {{ a = Conv(x, w) b = {activation} y = Conv(b, v) }}""")
    model = shapes.infer(model)
    result = equalize(model)
    assert result.matched == 1
    images = pictures()
    assert compare("", OnnxRunner(model)(images), OnnxRunner(result.model)(images), 1e-5).holds


def ranges(model):
    """r1 of the first layer's output channels, r2 of the second's input channels, without biases."""
    one, two = [layer(node) for node in model.graph if layer(node)][:2]
    return np.abs(one.weight).max((1, 2, 3)), np.abs(two.weight).max((0, 2, 3))


@settings(max_examples=20, deadline=None)
@given(st.lists(st.floats(-6, 6), min_size=6, max_size=6))
def test_both_layers_have_the_geometric_mean_of_their_ranges_whatever_they_had(exponents):
    model = graph(PAIRS["nothing"])
    plain = ranges(model)
    spoiled = spoil(model, "0", "1", np.exp2(np.array(exponents)))
    first, second = ranges(equalize(spoiled).model)
    np.testing.assert_allclose(first, second, rtol=1e-2)
    np.testing.assert_allclose(first * second, plain[0] * plain[1], rtol=1e-2)


def test_through_a_depthwise_convolution_all_three_layers_are_balanced():
    model = graph(chain())
    spoiled = spoil(
        spoil(model, "0", "2", np.exp2(np.arange(8.0) - 4)), "2", "4", np.exp2(4 - np.arange(8.0))
    )
    result = equalize(spoiled)
    assert result.matched == 3  # convolution → depthwise → pointwise → Gemm
    images = pictures()
    assert compare("", OnnxRunner(model)(images), OnnxRunner(result.model)(images), 1e-5).holds
    depthwise = result.model.graph.initializers["2.weight"].const_value.numpy()
    before = spoiled.graph.initializers["2.weight"].const_value.numpy()
    spread = [np.ptp(np.log2(np.abs(weight).max((1, 2, 3)))) for weight in (before, depthwise)]
    assert spread[1] < 0.5 * spread[0]


def test_one_scale_for_a_whole_weight_serves_an_equalized_network_and_not_a_spoiled_one():
    images = pictures(64)
    model = spoil(graph(chain()), "0", "2", np.exp2(np.linspace(-6, 6, 8)))
    truth = OnnxRunner(model)(images)
    recipes = ("int8(per_channel=false)", "equalize | int8(per_channel=false)")
    errors = [
        np.abs(OnnxRunner(after(model, recipe, images), optimize=False)(images) - truth).mean()
        for recipe in recipes
    ]
    assert errors[1] < errors[0] / 4


class Sum(nn.Module):
    def __init__(self):
        super().__init__()
        self.one, self.two = nn.Conv2d(3, 4, 1), nn.Conv2d(4, 4, 1)

    def forward(self, x):
        y = self.one(x)
        return y + self.two(y)


LEFT = {
    "before Add": (Sum(), "1 before Add"),
    "several": (Sum(), "1 read by several nodes"),
    "output": (nn.Conv2d(3, 4, 1), "1 read by the graph's output"),
    "curved": (nn.Sequential(nn.Conv2d(3, 4, 1), nn.Sigmoid(), nn.Conv2d(4, 4, 1)), "1 before Sigmoid"),
    "clip": (nn.Sequential(nn.Conv2d(3, 4, 1), nn.ReLU6(), nn.Conv2d(4, 4, 1)), "1 through a clip"),
    "not from zero": (nn.Sequential(nn.Conv2d(3, 4, 1), nn.Hardtanh(), nn.Conv2d(4, 4, 1)), "1 before Clip"),
}


@pytest.mark.parametrize(("module", "reason"), LEFT.values(), ids=LEFT)
def test_what_cannot_be_scaled_is_left_and_the_note_says_why(module, reason):
    model = graph(module)
    result = equalize(model)
    assert result.matched == 0
    assert reason in result.note
    for name, value in model.graph.initializers.items():
        np.testing.assert_array_equal(
            result.model.graph.initializers[name].const_value.numpy(), value.const_value.numpy()
        )


class Shared(nn.Module):
    def __init__(self):
        super().__init__()
        self.one, self.two, self.three = nn.Conv2d(4, 4, 1), nn.Conv2d(4, 4, 1), nn.Conv2d(4, 4, 1)
        self.two.weight = self.one.weight

    def forward(self, x):
        return self.three(torch.relu(self.two(torch.relu(self.one(x)))))


def test_a_shared_weight_is_never_scaled():
    result = equalize(graph(Shared(), (1, 4, 8, 8)))
    assert result.matched == 0
    assert "2 with a weight that is shared" in result.note


def test_dead_channels_and_large_biases_stay_finite_and_harmless():
    module = PAIRS["Relu"]
    model = graph(module)
    weight, bias, second = (model.graph.initializers[name] for name in ("0.weight", "0.bias", "2.weight"))
    arrays = [value.const_value.numpy().copy() for value in (weight, bias, second)]
    arrays[0][0] = 0  # a channel of its bias alone
    arrays[0][1] = 1e-30
    arrays[1][1] = 2.0  # next to nothing but its bias
    arrays[2][:, 2] = 0  # a channel that nobody reads
    for value, array in zip((weight, bias, second), arrays, strict=True):
        value.const_value = ir.Tensor(array, name=value.name)
    result = equalize(model)
    images = pictures()
    assert compare("", OnnxRunner(model)(images), OnnxRunner(result.model)(images), 1e-5).holds
    biases = result.model.graph.initializers["0.bias"].const_value.numpy()
    assert np.abs(biases).max() < 20  # its bias counts in the range: it was not scaled up by 1e30


def test_in_a_recipe_batch_norm_is_folded_first():
    module = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 4, 1))
    steps = compress(graph(module), parse_recipe("equalize"))
    assert [step.call.name for step in steps] == ["fold", "equalize"]
    assert steps[-1].matched == 1


def test_a_residual_network_says_what_was_left():
    result = equalize(graph(Branches()))
    assert result.matched == 0
    assert "2 before Concat" in result.note
