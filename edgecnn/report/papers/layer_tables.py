"""AlexNet's and VGG-16's layer tables: sizes and weights as printed, and as the networks have them."""

from edgecnn.report.papers import counts
from edgecnn.report.papers.cells import Column, Raw
from edgecnn.report.papers.columns import MULT_ADDS, both, figure
from edgecnn.report.papers.counts import Layer, millions
from edgecnn.report.papers.table import Content, Row, paper_table

COURSE = "CS231n, lecture on CNN architectures"
KINDS = ("Conv", "MaxPool", "LRN", "Gemm")

# Layer, output size as printed.
ALEXNET = (
    ("CONV1: 96 11x11 filters at stride 4, pad 0", "55x55x96"),
    ("MAX POOL1: 3x3 filters at stride 2", "27x27x96"),
    ("NORM1", "27x27x96"),
    ("CONV2: 256 5x5 filters at stride 1, pad 2", "27x27x256"),
    ("MAX POOL2: 3x3 filters at stride 2", "13x13x256"),
    ("NORM2", "13x13x256"),
    ("CONV3: 384 3x3 filters at stride 1, pad 1", "13x13x384"),
    ("CONV4: 384 3x3 filters at stride 1, pad 1", "13x13x384"),
    ("CONV5: 256 3x3 filters at stride 1, pad 1", "13x13x256"),
    ("MAX POOL3: 3x3 filters at stride 2", "6x6x256"),
    ("FC6: 4096 neurons", "4096"),
    ("FC7: 4096 neurons", "4096"),
    ("FC8: 1000 neurons", "1000"),
)

# Neurons of each layer as the paper's figure 2 has them.
NEURONS = (
    ("conv1", "253440 [1]"),
    ("conv2", "186624"),
    ("conv3", "64896"),
    ("conv4", "64896"),
    ("conv5", "43264"),
    ("fc6", "4096"),
    ("fc7", "4096"),
    ("fc8", "1000"),
)

# Layer, output size and weights as printed.
VGG16 = (
    ("CONV3-64", "224x224x64", "1728"),
    ("CONV3-64", "224x224x64", "36864"),
    ("POOL2", "112x112x64", "0"),
    ("CONV3-128", "112x112x128", "73728"),
    ("CONV3-128", "112x112x128", "147456"),
    ("POOL2", "56x56x128", "0"),
    ("CONV3-256", "56x56x256", "294912"),
    ("CONV3-256", "56x56x256", "589824"),
    ("CONV3-256", "56x56x256", "589824"),
    ("POOL2", "28x28x256", "0"),
    ("CONV3-512", "28x28x512", "1179648"),
    ("CONV3-512", "28x28x512", "2359296"),
    ("CONV3-512", "28x28x512", "2359296"),
    ("POOL2", "14x14x512", "0"),
    ("CONV3-512", "14x14x512", "2359296"),
    ("CONV3-512", "14x14x512", "2359296"),
    ("CONV3-512", "14x14x512", "2359296"),
    ("POOL2", "7x7x512", "0"),
    ("FC", "4096", "102760448"),
    ("FC", "4096", "16777216"),
    ("FC", "1000", "4096000"),
)


@paper_table(
    "alexnet-layers",
    "AlexNet in one tower, pooling before normalization",
    source=COURSE,
    columns=(Column("layer"), *both("output size"), MULT_ADDS, figure("parameters")),
)
def _alexnet_layers() -> Content:
    found = counts.layers("alexnet(order=pool_norm)", *KINDS)
    rows: list[Row] = [
        (label, size, _size(layer), layer.profile.mult_adds, layer.profile.parameters)
        for (label, size), layer in zip(ALEXNET, found, strict=True)
    ]
    total = counts.costs("alexnet(order=pool_norm)")
    return Content([*rows, ("total", None, None, total.mult_adds, total.parameters)])


@paper_table(
    "alexnet-neurons",
    "AlexNet in two streams, as in the paper",
    source="Krizhevsky et al. 2012, figure 2 and abstract",
    columns=(Column("layer"), *both("neurons"), MULT_ADDS, figure("parameters")),
)
def _alexnet_neurons() -> Content:
    found = counts.layers("alexnet(streams=2)")
    sizes = [_units(layer) for layer in found]
    rows: list[Row] = [
        (label, printed, size, layer.profile.mult_adds, layer.profile.parameters)
        for (label, printed), size, layer in zip(NEURONS, sizes, found, strict=True)
    ]
    total = counts.costs("alexnet(streams=2)")
    printed = sum(int(text.split(" ")[0]) for _, text in NEURONS)
    notes = [
        f"48x48x55x2 neurons; 55x55x96 makes the {sum(sizes):,} of which the abstract speaks, the printed"
        f" figures sum to {printed:,}",
        f"the abstract's 60 M parameters: {millions(total.parameters)}",
    ]
    whole: tuple[Raw, ...] = ("total [2]", "6.5E+5 [1]", sum(sizes), total.mult_adds, total.parameters)
    return Content([*rows, whole], notes)


@paper_table(
    "vgg16-layers",
    "VGG-16 (configuration D), layer by layer",
    source=COURSE,
    columns=(Column("layer"), *both("output size"), *both("weights"), MULT_ADDS),
)
def _vgg16_layers() -> Content:
    rows: list[Row] = [
        (label, size, _size(layer), printed, counts.weights(layer.profile), layer.profile.mult_adds)
        for (label, size, printed), layer in zip(VGG16, counts.layers("vgg16", *KINDS), strict=True)
    ]
    weights, biases = counts.network_weights("vgg16"), counts.parameters("vgg16")
    mult_adds = counts.mult_adds("vgg16")
    total = ("total [1]", None, None, "1.38E+8", weights, mult_adds)
    return Content([*rows, total], [f"with the biases {biases:,} parameters"])


def _size(layer: Layer) -> str:
    _, channels, *sides = layer.profile.shape
    return "x".join(map(str, (*sides, channels)))


def _units(layer: Layer) -> int:
    size = 1
    for side in layer.profile.shape:
        size *= side
    return size
