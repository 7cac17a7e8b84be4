import pytest
import torch
from torch import nn

import edgecnn
from edgecnn import devices
from edgecnn.errors import EdgeCnnError
from edgecnn.export.compilers import compile_for
from edgecnn.models import build
from edgecnn.pipeline import hops
from edgecnn.pipeline.network import open_network
from edgecnn.runtime.onnx_runner import OnnxRunner
from edgecnn.sample import sample_inputs
from edgecnn.spec import ModelSpec

# Parameters, mult-adds, receptive field.
GOLDEN = {
    "nin": (7_595_176, 1_100_188_800, 195),
    "nin(res=227)": (7_595_176, 1_105_996_320, 195),
    "nin(form=fashion_mnist)": (1_992_166, 762_297_352, 195),
    "nin(form=cifar10)": (966_986, 222_486_528, 27),
}


@pytest.mark.parametrize("text", GOLDEN, ids=str)
def test_costs_are_exact(text):
    result = edgecnn.costs(text)
    parameters, mult_adds, receptive_field = GOLDEN[text]
    assert (result.parameters, result.mult_adds) == (parameters, mult_adds)
    assert result.receptive_field == (receptive_field, receptive_field)


SIZES = {  # behind each pool
    "nin": [27, 13, 6],
    "nin(form=fashion_mnist)": [26, 12, 5],
    "nin(form=cifar10)": [16, 8],
}


@pytest.mark.parametrize("text", SIZES, ids=str)
def test_maps_have_their_sizes_and_the_last_are_the_classes(text):
    layers = edgecnn.costs(text).layers
    pools = [layer for layer in layers if layer.kind in ("MaxPool", "AveragePool")]
    assert [layer.shape[2] for layer in pools] == SIZES[text]
    classes = 1000 if text == "nin" else 10
    assert [layer.kind for layer in layers[-4:]] == ["Conv 1x1", "Relu", "GlobalAveragePool", "Flatten"]
    assert layers[-1].shape == (1, classes)


def test_the_number_of_classes_sets_as_many_layers_as_the_form_has():
    def widths(form):
        module = build(ModelSpec.parse(f"nin(form={form}, classes=7)"), "meta")
        return [part.out_channels for part in module.modules() if isinstance(part, nn.Conv2d)][-3:]

    assert widths("imagenet") == [1024, 1024, 7]
    assert widths("cifar10") == [192, 192, 7]
    assert widths("fashion_mnist") == [7, 7, 7]


def test_the_cifar_form_pools_by_the_greatest_then_by_the_average_each_with_dropout():
    module = build(ModelSpec.parse("nin(form=cifar10)"), "meta")
    kinds = [type(part).__name__ for part in module.features if not isinstance(part, (nn.Conv2d, nn.ReLU))]
    assert kinds == ["MaxPool2d", "Dropout", "AvgPool2d", "Dropout"]


@pytest.mark.parametrize("target", ["pi4", "jetson-nano"])
@pytest.mark.parametrize(
    "text", ["nin(form=cifar10, res=32)", "nin(form=cifar10, res=4)", "nin(form=fashion_mnist, res=67)"]
)
def test_every_form_compiles_and_computes_the_same(text, target):
    opened = open_network(text, width=0.25)
    samples = sample_inputs(opened.preprocessing, 3)
    assert hops.with_module(opened, samples).holds
    outputs = OnnxRunner(opened.graph)(samples)
    for artifact in compile_for(devices.find(target), opened.graph).artifacts:
        assert hops.of_artifact(opened.graph, artifact, samples, outputs).holds


@pytest.mark.parametrize(("form", "res"), [("imagenet", 38), ("cifar10", 3), ("fashion_mnist", 66)])
def test_an_image_too_small_for_the_form_is_refused(form, res):
    with pytest.raises(EdgeCnnError, match=f"at least {res + 1}"):
        build(ModelSpec.parse(f"nin(form={form}, res={res})"), "meta")


def test_a_pool_at_the_border_averages_what_is_there():
    module = build(ModelSpec.parse("nin(form=cifar10)"))
    pool = next(part for part in module.features if isinstance(part, nn.AvgPool2d))
    averaged = pool(torch.arange(16.0).reshape(1, 1, 4, 4))  # the last window is 2x2: 10, 11, 14, 15
    assert averaged[0, 0, 1, 1] == pytest.approx((10 + 11 + 14 + 15) / 4)
