import pytest

import edgecnn
from edgecnn.profile import shares
from edgecnn.profile.shares import blocks

# Howard et al. 2017, table 1: (input channels, output channels, side of the output) of each separable block.
TABLE_1 = [(32, 64, 112), (64, 128, 56), (128, 128, 56), (128, 256, 28), (256, 256, 28), (256, 512, 14)]
TABLE_1 += [(512, 512, 14)] * 5 + [(512, 1024, 7), (1024, 1024, 7)]


def test_the_kinds_of_mobilenet_are_those_of_the_papers_table_2():
    found = {share.name: share for share in shares(edgecnn.costs("mobilenet"), "kind")}
    pointwise = sum(m * n * side**2 for m, n, side in TABLE_1)
    depthwise = sum(9 * m * side**2 for m, _, side in TABLE_1)
    stem, dense = 9 * 3 * 32 * 112**2, 1024 * 1000
    whole = pointwise + depthwise + stem + dense
    counts = [found[name].mult_adds for name in ("Conv 1x1", "Conv depthwise 3x3", "Conv 3x3", "Gemm")]
    assert counts == [pointwise, depthwise, stem, dense]
    shown = [f"{100 * count / whole:.2f}" for count in counts]
    assert shown == ["94.86", "3.06", "1.91", "0.18"]  # 1.19 in the paper, whose column then sums to 99.29
    assert found["Conv 1x1"].mult_adds_share == pointwise / whole
    assert found["Conv 1x1"].parameters == sum(m * n for m, n, _ in TABLE_1)
    assert found["Gemm"].parameters_share == (1024 * 1000 + 1000) / 4_231_976
    assert found["Conv depthwise 3x3"].layers == 13


@pytest.mark.parametrize("by", ["kind", "block"])
@pytest.mark.parametrize("name", ["googlenet", "resnet18", "unet"])
def test_shares_add_up_to_the_whole(name, by):
    profile = edgecnn.costs(name)
    found = shares(profile, by)
    assert sum(share.layers for share in found) == len(profile.layers)
    assert sum(share.mult_adds for share in found) == profile.mult_adds
    assert sum(share.parameters for share in found) == profile.parameters
    assert sum(share.mult_adds_share for share in found) == pytest.approx(1)
    assert max(share.alive_bytes for share in found) == profile.peak_activation_bytes


def test_kinds_are_sorted_by_their_mult_adds_and_blocks_are_in_order():
    profile = edgecnn.costs("lenet")
    assert [share.name for share in shares(profile, "kind")][:2] == ["Conv 5x5", "Gemm"]
    assert [share.name for share in shares(profile, "block")] == ["features", "flatten", "classifier"]


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["conv1", "layer1.0.conv1", "layer1.0.downsample.0", "fc"], ["conv1", "layer1.0", "layer1.0", "fc"]),
        (["blocks.2.1.conv_dw", "blocks.2.1.bn1"], ["blocks.2.1", "blocks.2.1"]),
        (["inception3a.branch2.1", "inception3a.concat"], ["inception3a", "inception3a"]),
        (["features.0", "features.1", "classifier.0"], ["features", "features", "classifier"]),
        (["features.0", "features.3.squeeze"], ["features.0", "features.3"]),
        (["layer1.relu", "layer1.0.conv1"], ["layer1.relu", "layer1.0"]),
        (["features.denseblock1.denselayer2.conv1"], ["features.denseblock1"]),
        (["/layer1/layer1.0/conv1/Conv", "/fc/Gemm"], ["layer1.0", "fc"]),
        (["", "node_conv2d_1"], ["", "node_conv2d_1"]),
    ],
    ids=lambda names: names[0] or "unnamed",
)
def test_the_block_of_a_layer_follows_from_its_path(names, expected):
    assert blocks(names) == expected
