"""The ResNet paper's tables 1, 2 and 6, and the released networks."""

from edgecnn.report.papers.columns import COSTS, MODEL, PARAMETERS, SOURCE, accuracy, both, figure, with_costs
from edgecnn.report.papers.counts import depth, fully_connected, mult_adds, parameters
from edgecnn.report.papers.table import Content, paper_table

PAPER = "He et al. 2015, arXiv:1512.03385"
README = "KaimingHe/deep-residual-networks, README"

# Network, layers and 10⁹ mult-adds as printed, spec.
TABLE_1 = (
    ("ResNet-18 [1]", "18", "1.8", "resnet18(shortcut=A)"),
    ("ResNet-34 [1]", "34", "3.6", "resnet34(shortcut=A)"),
    ("ResNet-50", "50", "3.8 [2]", "resnet50(stride=v1)"),
    ("ResNet-101", "101", "7.6", "resnet101(stride=v1)"),
    ("ResNet-152", "152", "11.3", "resnet152(stride=v1)"),
    ("VGG-16", "16", "15.3 [3]", "vgg16"),
    ("VGG-19", "19", "19.6", "vgg19"),
)

# Network, top-1 error with ten crops as printed, spec.
TABLE_2 = (
    ("plain-18", "27.94", "resnet18(shortcut=none)"),
    ("plain-34", "28.54", "resnet34(shortcut=none)"),
    ("ResNet-18 A", "27.88", "resnet18(shortcut=A)"),
    ("ResNet-34 A", "25.03", "resnet34(shortcut=A)"),
)

# Network, layers, millions of parameters and CIFAR-10 error as printed, spec.
TABLE_6 = (
    ("ResNet-20", "20", "0.27", "8.75", "resnet20(shortcut=A)"),
    ("ResNet-32", "32", "0.46", "7.51", "resnet32(shortcut=A)"),
    ("ResNet-44", "44", "0.66", "7.17", "resnet44(shortcut=A)"),
    ("ResNet-56", "56", "0.85", "6.97", "resnet56(shortcut=A)"),
    ("ResNet-110", "110", "1.7", "6.43 [1]", "resnet110(shortcut=A)"),
    ("ResNet-1202", "1202", "19.4", "7.93", "resnet1202(shortcut=A)"),
)

# Network, source, top-1 and top-5 error with one crop, with ten crops, spec.
RELEASED = (
    ("ResNet-50", README, "24.7", "7.8", "22.9", "6.7", "resnet50(stride=v1)"),
    ("ResNet-101", README, "23.6", "7.1", "21.8", "6.1", "resnet101(stride=v1)"),
    ("ResNet-152", README, "23.0", "6.7", "21.4", "5.7", "resnet152(stride=v1)"),
    ("ResNeXt-50 32x4d", "facebookresearch/ResNeXt, README", "22.2", *[None] * 3, "resnext50_32x4d"),
)


@paper_table(
    "resnet-1",
    "ResNets for ImageNet, and VGG: depth and mult-adds",
    source=f"{PAPER}, table 1 and section 3.3",
    columns=(MODEL, *both("layers"), *both("mult-adds", "G", 3), PARAMETERS),
)
def _table_1() -> Content:
    rows = [
        (name, layers, depth(spec), printed, mult_adds(spec), parameters(spec))
        for name, layers, printed, spec in TABLE_1
    ]
    vgg = (mult_adds("vgg16") - fully_connected("vgg16")[0]) / 1e9
    alone = f"the convolutions alone, {vgg:.3f}; the row below has the fully connected layers too"
    return Content(rows, ["shortcuts padded with zeros (option A)", _where_the_stride_is(), alone])


def _where_the_stride_is() -> str:
    here, there = (mult_adds(f"resnet50(stride={place})") / 1e9 for place in ("v1", "v15"))
    return (
        f"{here:.3f}, cut off, with the stride in the first 1x1 convolution of a block, where the paper has"
        f" it; in the 3x3 convolution, where torchvision has it, {there:.3f}"
    )


@paper_table(
    "resnet-2",
    "Plain networks against ResNets of the same cost",
    source=f"{PAPER}, table 2",
    columns=(MODEL, accuracy("top-1 error, ten crops"), *COSTS),
)
def _table_2() -> Content:
    return Content(with_costs(TABLE_2))


@paper_table(
    "resnet-6",
    "ResNets for CIFAR-10",
    source=f"{PAPER}, table 6",
    columns=(
        *(MODEL, *both("layers"), *both("parameters", "M", 3)),
        *(accuracy("CIFAR-10 error"), figure("mult-adds", "M", 2)),
    ),
)
def _table_6() -> Content:
    rows = [
        (name, layers, depth(spec), size, parameters(spec), error, mult_adds(spec))
        for name, layers, size, error, spec in TABLE_6
    ]
    return Content(rows, ["the best of five runs; 6.61 ± 0.16"])


@paper_table(
    "resnet-released",
    "The authors' networks on ImageNet's validation set",
    source="the authors' READMEs",
    columns=(
        *(MODEL, SOURCE, accuracy("top-1 error"), accuracy("top-5 error")),
        *(accuracy("top-1 error, ten crops"), accuracy("top-5 error, ten crops"), *COSTS),
    ),
)
def _released() -> Content:
    return Content(with_costs(RELEASED))
