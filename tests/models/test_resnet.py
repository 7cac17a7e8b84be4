import pytest
import torch
from torch import nn

import edgecnn
from edgecnn.export.recorder import record
from edgecnn.models import build, complete
from edgecnn.models.resnet import NETWORKS, BasicBlock, Bottleneck
from edgecnn.models.shortcut import Subsample
from edgecnn.profile import profile
from edgecnn.spec import ModelSpec

# Parameters, mult-adds, receptive field.
GOLDEN = {
    "resnet18": (11_689_512, 1_814_073_344, 435),
    "resnet18(shortcut=A)": (11_515_688, 1_794_805_760, 435),
    "resnet18(shortcut=C)": (12_043_816, 1_878_298_624, 435),
    "resnet18(shortcut=none)": (11_515_688, 1_794_805_760, 435),
    "resnet34": (21_797_672, 3_663_761_408, 899),
    "resnet34(shortcut=A)": (21_623_848, 3_644_493_824, 899),
    "resnet34(shortcut=C)": (22_716_840, 3_830_747_136, 899),
    "resnet34(shortcut=none)": (21_623_848, 3_644_493_824, 899),
    "resnet50": (25_557_032, 4_089_184_256, 427),
    "resnet50(stride=v1)": (25_557_032, 3_857_973_248, 483),
    "resnet50(shortcut=none, stride=v1)": (22_780_456, 3_498_311_680, 483),
    "resnet101": (44_549_160, 7_801_405_440, 971),
    "resnet101(stride=v1)": (44_549_160, 7_570_194_432, 1027),
    "resnet101(shortcut=none, stride=v1)": (41_772_584, 7_210_532_864, 1027),
    "resnet152": (60_192_808, 11_513_626_624, 1451),
    "resnet152(stride=v1)": (60_192_808, 11_282_415_616, 1507),
    "resnet152(shortcut=none, stride=v1)": (57_416_232, 10_922_754_048, 1507),
    "resnext50_32x4d": (25_028_904, 4_230_479_872, 427),
}


@pytest.mark.parametrize("text", GOLDEN, ids=str)
def test_costs_are_exact(text):
    result = edgecnn.costs(text)
    parameters, mult_adds, receptive_field = GOLDEN[text]
    assert (result.parameters, result.mult_adds) == (parameters, mult_adds)
    assert result.receptive_field == (receptive_field, receptive_field)


# The block, the shape of its input, its weights without BatchNorm, and at how many places they are used.
BLOCKS = {
    "basic, 64-d": (lambda: BasicBlock(64, 64, 1, "B"), (64, 56), 2 * 9 * 64 * 64, 73_728, 231_211_008),
    "bottleneck, 256-64-256": (
        lambda: Bottleneck(256, 64, 256, (1, 1), "B"),
        (256, 56),
        2 * 256 * 64 + 9 * 64 * 64,
        69_632,
        218_365_952,
    ),
    "ResNeXt, 256-128-256 in 32 groups": (
        lambda: Bottleneck(256, 128, 256, (1, 1), "B", 32),
        (256, 56),
        2 * 256 * 128 + 9 * 128 * 128 // 32,
        70_144,
        219_971_584,
    ),
    # Its convolutions have biases in the textbook: 3 x 32 of its 2,912 parameters.
    "basic grouped block, 32-d in 16 groups": (
        lambda: Bottleneck(32, 32, 32, (1, 1), "B", 16),
        (32, 96),
        2 * 32 * 32 + 9 * 32 * 32 // 16,
        2_912 - 3 * 32 - 3 * 2 * 32,
        24_182_784,
    ),
    "the same with groups and channels of a group confused": (
        lambda: Bottleneck(32, 32, 32, (1, 1), "B", 2),
        (32, 96),
        2 * 32 * 32 + 9 * 32 * 32 // 2,
        6_944 - 3 * 32 - 3 * 2 * 32,
        61_341_696,
    ),
}


@pytest.mark.parametrize(("block", "shape", "by_hand", "weights", "mult_adds"), BLOCKS.values(), ids=BLOCKS)
def test_a_block_costs_what_the_paper_says(block, shape, by_hand, weights, mult_adds):
    module, (channels, side) = block(), shape
    result = profile(record(module, (1, channels, side, side)))
    norms = sum(
        2 * part.num_features
        for part in module.modules()
        if isinstance(part, nn.modules.batchnorm._BatchNorm)
    )
    assert result.parameters - norms == by_hand == weights
    assert result.mult_adds == side * side * by_hand == mult_adds


def test_option_a_takes_every_second_pixel_and_puts_zeros_on_both_sides():
    image = torch.randn(1, 4, 5, 6)
    result = Subsample(4, 8, 2)(image)
    torch.testing.assert_close(result[:, 2:6], image[:, :, ::2, ::2])
    assert result.shape == (1, 8, 3, 3)
    assert not result[:, :2].any()
    assert not result[:, 6:].any()


@pytest.mark.parametrize(
    ("option", "projections", "identities"), [("A", 0, 5), ("B", 3, 5), ("C", 8, 0), ("none", 0, 0)]
)
def test_where_the_shortcuts_of_resnet18_have_weights(option, projections, identities):
    network = build(ModelSpec.parse(f"resnet18(shortcut={option})"), "meta")
    found = [type(part).__name__ for part in (block.downsample for block in blocks(network))]
    assert (found.count("Sequential"), found.count("Identity")) == (projections, identities)
    assert found.count("Subsample") == (3 if option == "A" else 0)


def blocks(network):
    return [block for name, stage in network.named_children() if name.startswith("layer") for block in stage]


@pytest.mark.parametrize(
    ("name", "weighted_layers"),
    [("resnet18", 18), ("resnet34", 34), ("resnet50", 50), ("resnet101", 101), ("resnet152", 152)],
)
def test_the_name_counts_the_layers_with_weights(name, weighted_layers):
    network = build(ModelSpec.parse(f"{name}(shortcut=none)"), "meta")
    assert sum(isinstance(part, (nn.Conv2d, nn.Linear)) for part in network.modules()) == weighted_layers


@pytest.mark.parametrize(
    ("name", "entries"),
    [("resnet18", 122), ("resnet34", 218), ("resnet50", 320), ("resnet101", 626), ("resnext50_32x4d", 320)],
)
def test_state_dict_keys_are_torchvisions(name, entries):
    keys = list(build(ModelSpec(arch=name), "meta").state_dict())
    assert len(keys) == entries
    assert {"conv1.weight", "bn1.running_mean", "layer1.0.conv1.weight", "fc.bias"} <= set(keys)
    assert {"layer2.0.downsample.0.weight", "layer2.0.downsample.1.num_batches_tracked"} <= set(keys)


def test_the_place_of_the_stride_changes_what_the_same_weights_compute():
    here, there = (build(ModelSpec.parse(f"resnet50(width=0.1, stride={place})")) for place in ("v15", "v1"))
    there.load_state_dict(here.state_dict())
    image = torch.randn(1, 3, 32, 32)
    assert not torch.allclose(here(image), there(image))


@pytest.mark.parametrize("width", [0.1, 0.3, 0.75, 1.4, 2])
@pytest.mark.parametrize("name", NETWORKS)
def test_every_width_fits_together(name, width):
    network = build(complete(ModelSpec(arch=name, width=width)), "meta")
    assert network(torch.zeros(1, 3, 32, 32, device="meta")).shape == (1, 1000)


def test_at_every_width_a_resnext_has_32_groups():
    for width in (0.1, 0.5, 1.0):
        network = build(ModelSpec.parse(f"resnext50_32x4d(width={width})"), "meta")
        assert {block.conv2.groups for block in blocks(network)} == {32}
