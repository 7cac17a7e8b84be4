"""Every network counted twice: by the profiler on its graph, and by executing its layer table."""

import pytest

from edgecnn.models import ARCHITECTURES
from edgecnn.pipeline.costs import costs
from edgecnn.spec import ModelSpec

from .layer_counter import count
from .layer_tables import COUNTS, LAYER_TABLES
from .network_families import families

STRINGS = dict(line.split(": ", 1) for line in LAYER_TABLES.strip().splitlines())
FAMILIES = dict(families())
TABLES = FAMILIES | STRINGS
GOLDEN = {line.split()[0]: line.split()[1:] for line in COUNTS.strip().splitlines()}

# The same networks in the zoo.
SPECS = {
    "lenet5_1998": "lenet5",
    "lenet_d2l": "lenet",
    "alexnet_onetower_seed2": "alexnet(order=pool_norm)",
    "alexnet_twostream_2012": "alexnet(streams=2)",
    "alexnet_d2l_fashion": "alexnet_d2l",
    "alexnet_d2l_rgb1000": "alexnet_d2l(in_channels=3, classes=1000)",
    "alexnet_torchvision": "alexnet_torchvision",
    "zfnet_paper": "zfnet",
    "zfnet_seed2_512_1024_512": "zfnet(maps=512-1024-512)",
    "nin_d2l_fashion": "nin(form=fashion_mnist, in_channels=1, classes=10)",
    "nin_imagenet_caffe": "nin",
    "nin_cifar10": "nin(form=cifar10, res=32, classes=10)",
    "vgg_A": "vgg11",
    "vgg_A_LRN": "vgg11_lrn",
    "vgg_B": "vgg13",
    "vgg_C": "vgg16_c",
    "vgg_D": "vgg16",
    "vgg_E": "vgg19",
    "vgg11_d2l_fashion": "vgg11(in_channels=1, classes=10)",
    "googlenet": "googlenet",
    "googlenet_tv_noaux": "googlenet_torchvision(aux=false)",
    "googlenet_d2l_fashion": "googlenet(in_channels=1, res=96, classes=10)",
    "resnext50_32x4d": "resnext50_32x4d",
    "orig_resnet164_cifar10": "resnet164",
    "preact_resnet164_cifar10": "preact_resnet164",
    "preact_resnet1001_cifar10": "preact_resnet1001",
    "densenetbc_L100_k12_c100": "densenet(depth=100, growth=12, bc=true, classes=100)",
    "squeezenet1_0_caffe": "squeezenet1_0",
    "squeezenet1_0_paper_nopad": "squeezenet1_0(conv10=unpadded)",
    "squeezenet1_0_tv": "squeezenet1_0(conv10=unpadded, res=224)",
    "squeezenet1_1_caffe": "squeezenet1_1",
    "squeezenet1_1_tv": "squeezenet1_1(res=224)",
    "mobilenet_conv_full_224": "mobilenet(body=full)",
    "mobilenet_shallow_224": "mobilenet(body=shallow)",
    "unet_valid_572_c1o2": "unet",
    "unet_same_512_c1o2": "unet(padding=same, res=512)",
    "unet_same_256_c1o2": "unet(padding=same, res=256)",
    "unet_same_512_c3o2_bn": "unet(padding=same, res=512, in_channels=3, bn=true)",
}
SPECS |= {
    f"{kind}{depth}{key}": f"resnet{depth}(shortcut={shortcut})"
    for depth in (18, 34)
    for kind, key, shortcut in (
        ("resnet", "_optA", "A"),
        ("resnet", "", "B"),
        ("resnet", "_optC", "C"),
        ("plain", "", "none"),
    )
}
for _depth in (50, 101, 152):
    SPECS[f"resnet{_depth}_v1"] = f"resnet{_depth}(stride=v1)"
    SPECS[f"resnet{_depth}_v15"] = f"resnet{_depth}"
    SPECS[f"plain{_depth}_bottleneck_v1"] = f"resnet{_depth}(stride=v1, shortcut=none)"
SPECS |= {
    f"resnet{depth}_cifar_{shortcut}": f"resnet{depth}(shortcut={shortcut})"
    for depth in (20, 32, 44, 56, 110, 1202)
    for shortcut in "AB"
}
SPECS |= {f"densenet{depth}": f"densenet{depth}" for depth in (121, 161, 169, 201, 264)}
SPECS |= {
    f"densenet_L{depth}_k{growth}_c10": f"densenet(depth={depth}, growth={growth}, bc=false)"
    for depth, growth in ((40, 12), (100, 12), (100, 24))
}
SPECS |= {
    f"densenetbc_L{depth}_k{growth}_c10": f"densenet(depth={depth}, growth={growth}, bc=true)"
    for depth, growth in ((100, 12), (250, 24), (190, 40))
}
SPECS |= {f"alphago_policy_k{k}": f"alphago_policy(k={k})" for k in (128, 192, 256, 384)}
SPECS |= {
    f"mobilenet_{width}_{res}": f"mobilenet(width={width}, res={res})"
    for width in ("1", "0.75", "0.5", "0.25")
    for res in (224, 192, 160, 128)
}

# Heads that are no network of their own, and a misprint that nobody should build.
NOT_IN_THE_ZOO = {"googlenet_aux_a", "googlenet_aux_b", "mobilenet_1_224_s2typo"}

# Nets of the zoo that are no row of the layer tables: its counts are in its own tests.
TESTED_ELSEWHERE = {"inception_v3"}


def golden(key: str) -> list[int]:
    return [int(number.replace(",", "")) for number in GOLDEN[key][:-1]]


def golden_field(key: str) -> tuple[int, int]:
    ends = [int(number) for number in GOLDEN[key][-1].split("-")]
    return ends[0], ends[-1]


@pytest.mark.parametrize("key", TABLES)
def test_the_counter_gets_the_known_counts_from_the_layer_table(key):
    end = count(TABLES[key])
    tally = end.tally
    assert [tally.parameters, tally.weights, tally.biases, tally.norms, tally.mult_adds] == golden(key)
    if not key.startswith("unet"):  # the recursion holds where nothing is up-sampled
        assert (end.sees, end.sees) == golden_field(key)


@pytest.mark.parametrize("key", SPECS)
def test_the_profiler_and_the_counter_agree(key):
    found, tally = costs(SPECS[key]), count(TABLES[key]).tally
    assert (found.mult_adds, found.parameters) == (tally.mult_adds, tally.parameters)
    assert found.receptive_field == golden_field(key)
    assert found.unknown_ops == ()


def test_every_table_has_its_network():
    assert set(TABLES) == set(GOLDEN) == set(SPECS) | NOT_IN_THE_ZOO


def test_every_network_has_its_table():
    counted = {ModelSpec.parse(text).arch for text in SPECS.values()}
    assert counted | TESTED_ELSEWHERE == set(ARCHITECTURES)


@pytest.mark.parametrize("key", [key for key in STRINGS if key in FAMILIES])
def test_the_rule_of_a_family_gives_the_table_that_is_written_out(key):
    assert FAMILIES[key] == STRINGS[key]
