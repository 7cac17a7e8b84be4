import numpy as np
import onnx_ir as ir
import pytest
import torch
from torch import nn

from edgecnn.calls import parse_recipe
from edgecnn.errors import EdgeCnnError, VerificationError
from edgecnn.export.recorder import record
from edgecnn.graph import roles
from edgecnn.models.initialize import initialize
from edgecnn.quantize import compress
from edgecnn.quantize.fold import fold
from edgecnn.runtime.onnx_runner import OnnxRunner


def graph(*layers: nn.Module, shape=(1, 4, 9, 9)) -> ir.Model:
    images = torch.randn(16, *shape[1:], generator=torch.Generator().manual_seed(0))
    return record(initialize(nn.Sequential(*layers), 0, images), shape)


def operators(model: ir.Model) -> list[str]:
    return [node.op_type for node in model.graph]


LAYERS = {
    "Conv": (nn.Conv2d(4, 6, 3, bias=False), nn.BatchNorm2d(6)),
    "Conv with bias": (nn.Conv2d(4, 6, 3), nn.BatchNorm2d(6)),
    "depthwise Conv": (nn.Conv2d(4, 8, 3, groups=4), nn.BatchNorm2d(8)),
    "ConvTranspose": (nn.ConvTranspose2d(4, 6, 2, 2), nn.BatchNorm2d(6)),
    "grouped ConvTranspose": (nn.ConvTranspose2d(4, 6, 2, 2, groups=2, bias=False), nn.BatchNorm2d(6)),
    "Gemm": (nn.Flatten(), nn.Linear(4 * 81, 5), nn.BatchNorm1d(5)),
}


@pytest.mark.parametrize("layers", LAYERS.values(), ids=LAYERS)
def test_a_batch_norm_after_a_layer_disappears_and_the_output_stays(layers, rng):
    model = graph(*layers)
    image = rng.standard_normal((3, 4, 9, 9)).astype(np.float32)
    expected = OnnxRunner(model)(image)
    result = fold(model)
    assert result.matched == 1
    assert "BatchNormalization" not in operators(result.model)
    np.testing.assert_allclose(OnnxRunner(result.model)(image), expected, rtol=1e-4, atol=1e-5)


def test_the_argument_is_not_changed():
    model = graph(*LAYERS["Conv with bias"])
    before = {name: value.const_value.numpy().copy() for name, value in model.graph.initializers.items()}
    fold(model)
    assert operators(model) == ["Conv", "BatchNormalization"]
    for name, value in model.graph.initializers.items():
        np.testing.assert_array_equal(value.const_value.numpy(), before[name])


def test_folded_weights_keep_their_names_and_roles():
    initializers = fold(graph(*LAYERS["Conv"])).model.graph.initializers
    assert sorted(initializers) == ["0.bias", "0.weight"]
    assert {roles.role(value) for value in initializers.values()} == {roles.PARAMETER}


def test_the_value_after_the_norm_keeps_its_name():
    model = graph(nn.Conv2d(4, 4, 3), nn.BatchNorm2d(4), nn.ReLU())
    assert [node.outputs[0].name for node in fold(model).model.graph] == ["1", "output"]


def test_zero_padding_becomes_the_convolutions_own(rng):
    model = graph(nn.ZeroPad2d((0, 1, 0, 1)), nn.Conv2d(4, 6, 3, 2), nn.BatchNorm2d(6))
    result = fold(model)
    assert operators(result.model) == ["Conv"]
    assert list(next(iter(result.model.graph)).attributes["pads"].value) == [0, 0, 1, 1]
    image = rng.standard_normal((2, 4, 9, 9)).astype(np.float32)
    np.testing.assert_allclose(
        OnnxRunner(result.model)(image), OnnxRunner(model)(image), rtol=1e-4, atol=1e-5
    )


@pytest.mark.parametrize(
    "layers",
    [
        (nn.ConstantPad2d(1, 0.5), nn.Conv2d(4, 6, 3)),
        (nn.ZeroPad2d(1), nn.ReLU()),
        (nn.ZeroPad2d(-1), nn.Conv2d(4, 6, 3)),
    ],
    ids=["not zero", "no convolution", "cropping"],
)
def test_other_padding_stays(layers):
    assert "Pad" in operators(fold(graph(*layers)).model)


class Branches(nn.Module):
    """A convolution whose output is read by a norm and by something else; a norm that follows no layer."""

    def __init__(self):
        super().__init__()
        self.conv, self.norm, self.first = nn.Conv2d(4, 4, 1), nn.BatchNorm2d(4), nn.BatchNorm2d(4)

    def forward(self, x):
        y = self.conv(self.first(x))
        return y + self.norm(y)


def test_a_norm_that_cannot_be_folded_stays_and_the_note_says_so():
    images = torch.randn(16, 4, 9, 9)
    result = fold(record(initialize(Branches(), 0, images), (1, 4, 9, 9)))
    assert operators(result.model).count("BatchNormalization") == 2
    assert result.matched == 0
    assert "no BatchNorm follows" in result.note


class Shared(nn.Module):
    """One weight in two convolutions, one of them with a norm."""

    def __init__(self):
        super().__init__()
        self.one, self.two, self.norm = nn.Conv2d(4, 4, 1), nn.Conv2d(4, 4, 1), nn.BatchNorm2d(4)
        self.two.weight = self.one.weight

    def forward(self, x):
        return self.two(self.norm(self.one(x)))


def test_a_weight_that_another_layer_reads_is_left_to_it(rng):
    module = initialize(Shared(), 0, torch.randn(16, 4, 9, 9))
    model = record(module, (1, 4, 9, 9))
    result = fold(model).model
    image = rng.standard_normal((1, 4, 9, 9)).astype(np.float32)
    np.testing.assert_allclose(OnnxRunner(result)(image), OnnxRunner(model)(image), rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(
        result.graph.initializers["one.weight"].const_value.numpy(), module.one.weight.detach().numpy()
    )


def test_dropout_and_constant_branches_are_computed_away(rng):
    text = """<ir_version: 7, opset_import: ["" : 13]>
    g (float[1,4] x) => (float[1,4] y) <float[4] a = {1.0, 2.0, 3.0, 4.0}, float b = {2.0}>
    { c = Mul(a, b) d = Dropout(x) y = Add(d, c) }"""
    result = fold(ir.from_onnx_text(text))
    assert operators(result.model) == ["Add"]
    assert result.matched == 2
    image = rng.standard_normal((1, 4)).astype(np.float32)
    np.testing.assert_allclose(OnnxRunner(result.model)(image), image + np.array([2, 4, 6, 8]))


def test_a_broken_graph_is_refused_with_the_pass_and_those_before_it():
    model = graph(*LAYERS["Conv"])
    node = next(iter(model.graph))
    node.outputs[0].shape = ir.Shape([1, 6, 99, 99])
    with pytest.raises(VerificationError, match="pass|declares|not valid ONNX"):
        compress(model, parse_recipe("fold"))


@pytest.mark.parametrize(
    ("recipe", "sentence"),
    [("flod", "unknown pass 'flod'; did you mean fold"), ("fold(x=1)", "unknown setting of fold 'x'")],
)
def test_an_unknown_pass_or_setting_is_refused_before_any_work(recipe, sentence):
    with pytest.raises(EdgeCnnError, match=sentence):
        compress(graph(*LAYERS["Conv"]), parse_recipe(recipe))
