import os
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import edgecnn
from edgecnn.models import ARCHITECTURES, build
from edgecnn.models.initialize import OPEN, initialize
from edgecnn.models.shortcut import SummedNorm
from edgecnn.spec import ModelSpec
from edgecnn.weights import load_into, read_weights

# Parameters, mult-adds, receptive field.
GOLDEN = {
    "resnet20": (269_722, 40_551_040, 81),
    "resnet20(shortcut=B)": (272_474, 40_813_184, 81),
    "resnet20(shortcut=none)": (269_722, 40_551_040, 81),
    "resnet32": (464_154, 68_862_592, 137),
    "resnet32(shortcut=B)": (466_906, 69_124_736, 137),
    "resnet32(shortcut=none)": (464_154, 68_862_592, 137),
    "resnet44": (658_586, 97_174_144, 193),
    "resnet44(shortcut=B)": (661_338, 97_436_288, 193),
    "resnet44(shortcut=none)": (658_586, 97_174_144, 193),
    "resnet56": (853_018, 125_485_696, 249),
    "resnet56(shortcut=B)": (855_770, 125_747_840, 249),
    "resnet56(shortcut=none)": (853_018, 125_485_696, 249),
    "resnet110": (1_727_962, 252_887_680, 501),
    "resnet110(shortcut=B)": (1_730_714, 253_149_824, 501),
    "resnet110(shortcut=none)": (1_727_962, 252_887_680, 501),
    "resnet1202": (19_421_274, 2_829_238_912, 5597),
    "resnet1202(shortcut=B)": (19_424_026, 2_829_501_056, 5597),
    "resnet164": (1_704_154, 244_500_992, 255),
    "preact_resnet164": (1_703_258, 244_500_992, 255),
    "preact_resnet1001": (10_327_706, 1_487_849_984, 1557),
}


@pytest.mark.parametrize("text", GOLDEN, ids=str)
def test_costs_are_exact(text):
    result = edgecnn.costs(text)
    parameters, mult_adds, receptive_field = GOLDEN[text]
    assert (result.parameters, result.mult_adds) == (parameters, mult_adds)
    assert result.receptive_field == (receptive_field, receptive_field)


@pytest.mark.parametrize(
    ("text", "projections"),
    [("resnet20", 0), ("resnet110(shortcut=B)", 2), ("resnet164", 3), ("preact_resnet164", 3)],
)
def test_the_name_counts_the_layers_with_weights_but_projections(text, projections):
    spec = ModelSpec.parse(text)
    layers = [part for part in build(spec, "meta").modules() if isinstance(part, (nn.Conv2d, nn.Linear))]
    assert len(layers) - projections == int(spec.arch.rpartition("resnet")[2])


def test_a_preactivated_network_ends_in_batch_norm_before_the_pooling():
    kinds = [layer.kind for layer in edgecnn.costs("preact_resnet164").layers]
    assert kinds[:2] == ["Conv 3x3", "BatchNormalization"]
    assert kinds[-6:] == ["Add", "BatchNormalization", "Relu", "GlobalAveragePool", "Flatten", "Gemm"]
    assert kinds.count("BatchNormalization") == 3 * 54 + 1


def test_a_preactivated_block_projects_its_activated_input():
    block = build(ModelSpec.parse("preact_resnet164")).layer2[0]
    seen = {}
    for name in ("conv1", "downsample"):
        getattr(block, name).register_forward_pre_hook(
            lambda _, args, name=name: seen.update({name: args[0]})
        )
    block(torch.randn(1, 64, 8, 8))
    assert seen["conv1"] is seen["downsample"]
    assert seen["conv1"].min() == 0


def test_weights_of_the_public_code_with_projections_find_their_place():
    theirs = {"layer2.0.shortcut.0.weight": torch.zeros(1), "linear.bias": torch.ones(1)}
    assert list(ARCHITECTURES["resnet20"].from_foreign(theirs)) == [
        "layer2.0.downsample.0.weight",
        "linear.bias",
    ]


@pytest.mark.parametrize("text", ["resnet20", "resnet20(shortcut=none)", "resnet50(width=0.5)"])
def test_random_weights_shift_no_batch_norm_that_is_summed(text):
    network = initialize(build(ModelSpec.parse(text)), 0, torch.randn(10, 3, 8, 8), shift=OPEN)
    norms = [part for part in network.modules() if isinstance(part, nn.BatchNorm2d)]
    for norm in norms:
        summed = isinstance(norm, SummedNorm)
        assert abs(float(norm.bias.detach().mean()) - (0 if summed else OPEN)) < 0.15
    assert any(isinstance(norm, SummedNorm) for norm in norms) == ("none" not in text)


DATA = os.environ.get("EDGECNN_DATA")
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


@pytest.mark.skipif(not DATA, reason="EDGECNN_DATA names no folder with cifar10/ and its checkpoints")
@pytest.mark.parametrize(
    ("name", "file", "correct"),
    [("resnet20", "resnet20-12fca82f.th", 915), ("resnet56", "resnet56-4bfd9763.th", 926)],
)
def test_published_weights_reach_their_accuracy(name, file, correct):
    folder = Path(DATA, "cifar10")
    network = build(ModelSpec(arch=name))
    load_into(network, ARCHITECTURES[name].from_foreign(read_weights(folder / file)), file)
    data = np.load(folder / "cifar10_test1000.npz")
    images = torch.from_numpy(((data["x"] / 255 - MEAN) / STD).transpose(0, 3, 1, 2)).float()
    with torch.no_grad():
        classes = network(images).argmax(1).numpy()
    assert int((classes == data["y"]).sum()) == correct
