"""What the MobileNet paper says in its text, and the table of its TensorFlow release."""

from collections.abc import Callable
from fractions import Fraction

from edgecnn.report.papers import counts
from edgecnn.report.papers.cells import Column
from edgecnn.report.papers.columns import MODEL, PRINTED_COSTS, accuracy, both, compared
from edgecnn.report.papers.counts import convolution_weights, millions, separable_weights
from edgecnn.report.papers.mobilenet_layers import PAPER
from edgecnn.report.papers.mobilenet_networks import TABLE_9
from edgecnn.report.papers.table import Content, Row, paper_table

SLIM = "TF-slim, research/slim/nets/mobilenet_v1.md"
SMALL = "mobilenet(width=0.5, res=160)"

# Width, then for 224, 192, 160 and 128: top-1 accuracy and mult-adds as printed; parameters as printed.
SLIM_TABLE = (
    ("1.0", ("70.9", "70.0", "68.0", "65.2"), ("569", "418", "291", "186"), "4.24 [1]"),
    ("0.75", ("68.4", "67.2", "65.3", "62.1"), ("317 [2]", "233 [2]", "162 [2]", "104 [2]"), "2.59"),
    ("0.5", ("63.3", "61.7", "59.1", "56.3"), ("150 [3]", "110", "77", "49"), "1.34 [1]"),
    ("0.25", ("49.8", "47.7", "45.5", "41.5"), ("41", "34 [4]", "21", "14"), "0.47"),
)
RESOLUTIONS = (224, 192, 160, 128)


@paper_table(
    "mobilenet-text",
    "What the MobileNet paper says of its own figures",
    source=f"{PAPER}, sections 3 and 4",
    columns=(Column("claim"), *both("figure", decimals=2)),
)
def _text() -> Content:
    notes = ["cut off, not rounded", "SqueezeNet's 1700 M are twice its mult-adds, see mobilenet-9"]
    return Content(_claims(), [*notes, "points of top-1 accuracy in the paper's own table 9"])


def _claims() -> list[Row]:
    found = counts.select("mobilenet", "Conv 1x1")
    pointwise = 100 * sum(layer.mult_adds or 0 for layer in found) / counts.mult_adds("mobilenet")
    weights = 100 * sum(map(counts.weights, found)) / counts.network_weights("mobilenet")
    times = Fraction(convolution_weights(3, 512, 512), separable_weights(3, 512, 512))
    small, squeeze, alex = (float(row[1]) for row in TABLE_9)
    two_streams = "alexnet(streams=2)"
    return [
        ("a 3x3 separable convolution is so many times cheaper", "8 to 9", times),
        ("1x1 convolutions: % of mult-adds", "95", pointwise),
        ("1x1 convolutions: % of parameters", "75", weights),
        ("MobileNet: times smaller than VGG16", "32 [1]", _times(counts.parameters, "vgg16", "mobilenet")),
        ("MobileNet: times less compute than VGG16", "27", _times(counts.mult_adds, "vgg16", "mobilenet")),
        ("0.50-160: times smaller than AlexNet", "45 [1]", _times(counts.parameters, two_streams)),
        ("0.50-160: times less compute than AlexNet", "9.4 [1]", _times(counts.mult_adds, two_streams)),
        ("0.50-160: times less compute than SqueezeNet", "22 [2]", _times(counts.mult_adds, "squeezenet1_0")),
        ("0.50-160: % better than AlexNet", "4 [3]", small - alex),
        ("0.50-160: % better than SqueezeNet", "4 [3]", small - squeeze),
    ]


def _times(count: Callable[[str], int], larger: str, smaller: str = SMALL) -> Fraction:
    return Fraction(count(larger), count(smaller))


@paper_table(
    "mobilenet-slim",
    "The sixteen released MobileNets",
    source=SLIM,
    columns=(MODEL, accuracy("ImageNet top-1 (2018)"), *PRINTED_COSTS),
)
def _slim() -> Content:
    stem = counts.select("mobilenet(width=0.75)", "Conv 3x3")[0].mult_adds or 0
    rows = [
        (f"{width} MobileNet-{res}", top1, mult_adds, parameters, f"mobilenet(width={width}, res={res})")
        for width, accuracies, costs, parameters in SLIM_TABLE
        for res, top1, mult_adds in zip(RESOLUTIONS, accuracies, costs, strict=True)
    ]
    notes = [
        "weights, the bias of the classifier, and three numbers for each channel of BatchNorm instead of two",
        f"without the first convolution, which has {millions(stem)} at 224; the other widths include it",
        "rounded up",
        "fits no count of this network",
    ]
    return Content(compared(rows), notes)
