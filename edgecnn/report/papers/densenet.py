"""The DenseNet paper's comparison tables, on CIFAR and on ImageNet."""

from edgecnn.report.papers.columns import COSTS, MODEL, MULT_ADDS, SOURCE, accuracy, both, with_costs
from edgecnn.report.papers.counts import mult_adds, parameters
from edgecnn.report.papers.resnet import README as RESNET_README
from edgecnn.report.papers.table import Content, paper_table

PAPER = "Huang et al. 2016, arXiv:1608.06993"
README = "liuzhuang13/DenseNet, README"

# Network, millions of parameters, error on CIFAR-10+ and CIFAR-100+ as printed, spec.
TABLE_2 = (
    ("DenseNet (L=40, k=12)", "1.0", "5.24", "24.42", "densenet(depth=40, growth=12, bc=false)"),
    ("DenseNet (L=100, k=12)", "7.0", "4.10", "20.20", "densenet(depth=100, growth=12, bc=false)"),
    ("DenseNet (L=100, k=24)", "27.2", "3.74", "19.25", "densenet(depth=100, growth=24, bc=false)"),
    ("DenseNet-BC (L=100, k=12)", "0.8", "4.51", "22.27", "densenet(depth=100, growth=12, bc=true)"),
    ("DenseNet-BC (L=250, k=24)", "15.3", "3.62", "17.60", "densenet(depth=250, growth=24, bc=true)"),
    ("DenseNet-BC (L=190, k=40)", "25.6", "3.46", "17.18", "densenet(depth=190, growth=40, bc=true)"),
)

# Network, source, top-1 error with one crop, spec.
IMAGENET = (
    ("DenseNet-121 (k=32)", README, "25.0", "densenet121"),
    ("DenseNet-169 (k=32)", README, "23.6", "densenet169"),
    ("DenseNet-201 (k=32)", README, "22.5", "densenet201"),
    ("DenseNet-161 (k=48)", README, "22.2", "densenet161"),
    ("ResNet-50", RESNET_README, "24.7", "resnet50(stride=v1)"),
    ("ResNet-101", RESNET_README, "23.6", "resnet101(stride=v1)"),
    ("ResNet-152", RESNET_README, "23.0", "resnet152(stride=v1)"),
)


@paper_table(
    "densenet-2",
    "DenseNets on CIFAR; parameters with ten classes",
    source=f"{PAPER}, table 2",
    columns=(
        *(MODEL, *both("parameters", "M", 3), accuracy("CIFAR-10+ error"), accuracy("CIFAR-100+ error")),
        MULT_ADDS,
    ),
)
def _table_2() -> Content:
    return Content(
        [
            (name, size, parameters(spec), ten, hundred, mult_adds(spec))
            for name, size, ten, hundred, spec in TABLE_2
        ]
    )


@paper_table(
    "densenet-imagenet",
    "DenseNets against ResNets on ImageNet's validation set",
    source="the authors' READMEs",
    columns=(MODEL, SOURCE, accuracy("top-1 error"), *COSTS),
)
def _imagenet() -> Content:
    return Content(with_costs(IMAGENET))
