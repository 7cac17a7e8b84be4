"""The MobileNet paper's tables 4 to 10: networks against each other."""

from edgecnn.report.papers import counts
from edgecnn.report.papers.columns import MODEL, PRINTED_COSTS, accuracy, compared
from edgecnn.report.papers.counts import millions
from edgecnn.report.papers.mobilenet_layers import PAPER
from edgecnn.report.papers.table import Content, paper_table

COLUMNS = (MODEL, accuracy("ImageNet top-1"), *PRINTED_COSTS)

# Model, accuracy, mult-adds and parameters as printed, network.
TABLE_4 = (
    ("Conv MobileNet", "71.7", "4866 [1]", "29.3", "mobilenet(body=full)"),
    ("MobileNet", "70.6", "569", "4.2", "mobilenet"),
)
TABLE_5 = (
    ("0.75 MobileNet", "68.4", "325", "2.6", "mobilenet(width=0.75)"),
    ("Shallow MobileNet", "65.3", "307", "2.9", "mobilenet(body=shallow)"),
)
TABLE_6 = (
    ("1.0 MobileNet-224", "70.6", "569", "4.2", "mobilenet"),
    ("0.75 MobileNet-224", "68.4", "325", "2.6", "mobilenet(width=0.75)"),
    ("0.5 MobileNet-224", "63.7", "149", "1.3", "mobilenet(width=0.5)"),
    ("0.25 MobileNet-224", "50.6", "41", "0.5", "mobilenet(width=0.25)"),
)
TABLE_7 = (
    ("1.0 MobileNet-224", "70.6", "569", "4.2", "mobilenet"),
    ("1.0 MobileNet-192", "69.1", "418", "4.2", "mobilenet(res=192)"),
    ("1.0 MobileNet-160", "67.2", "290 [1]", "4.2", "mobilenet(res=160)"),
    ("1.0 MobileNet-128", "64.4", "186", "4.2", "mobilenet(res=128)"),
)
TABLE_8 = (
    ("1.0 MobileNet-224", "70.6", "569", "4.2", "mobilenet"),
    ("GoogleNet", "69.8", "1550 [1]", "6.8 [1]", "googlenet"),
    ("VGG 16", "71.5", "15300 [2]", "138", "vgg16"),
)
TABLE_9 = (
    ("0.50 MobileNet-160", "60.2", "76 [1]", "1.32 [2]", "mobilenet(width=0.5, res=160)"),
    ("Squeezenet", "57.5", "1700 [3]", "1.25", "squeezenet1_0"),
    ("AlexNet [4]", "57.2", "7.2E+2", "6E+1", "alexnet(streams=2)"),
)
TABLE_10 = (
    ("Inception V3", "84", "5000 [1]", "23.2 [1]", "inception_v3(classes=120)"),
    ("1.0 MobileNet-224", "83.3", "569 [2]", "3.3", "mobilenet(classes=120)"),
    ("0.75 MobileNet-224", "81.9", "325", "1.9", "mobilenet(classes=120, width=0.75)"),
    ("1.0 MobileNet-192", "81.9", "418 [2]", "3.3", "mobilenet(classes=120, res=192)"),
    ("0.75 MobileNet-192", "80.5", "239", "1.9", "mobilenet(classes=120, res=192, width=0.75)"),
)


@paper_table(
    "mobilenet-4",
    "Depthwise separable against full convolution MobileNet",
    source=f"{PAPER}, table 4",
    columns=COLUMNS,
)
def _table_4() -> Content:
    without = counts.mult_adds("mobilenet(body=full)") - counts.fully_connected("mobilenet(body=full)")[0]
    return Content(
        compared(TABLE_4),
        [f"without the fully connected layer, which the row below includes: {millions(without)}"],
    )


@paper_table("mobilenet-5", "Narrow against shallow MobileNet", source=f"{PAPER}, table 5", columns=COLUMNS)
def _table_5() -> Content:
    return Content(compared(TABLE_5))


@paper_table("mobilenet-6", "MobileNet width multiplier", source=f"{PAPER}, table 6", columns=COLUMNS)
def _table_6() -> Content:
    return Content(compared(TABLE_6))


@paper_table("mobilenet-7", "MobileNet resolution", source=f"{PAPER}, table 7", columns=COLUMNS)
def _table_7() -> Content:
    return Content(compared(TABLE_7), ["cut off, not rounded"])


@paper_table("mobilenet-8", "MobileNet against popular models", source=f"{PAPER}, table 8", columns=COLUMNS)
def _table_8() -> Content:
    vgg = counts.mult_adds("vgg16") - counts.fully_connected("vgg16")[0]
    notes = [
        "6.8 is the sum of the parameters printed in GoogLeNet's own table 1, see googlenet-1; 1550 is"
        " neither the sum of the operations there nor the exact one",
        f"the convolutions alone: {millions(vgg)}",
    ]
    return Content(compared(TABLE_8), notes)


@paper_table(
    "mobilenet-9", "Smaller MobileNet against popular models", source=f"{PAPER}, table 9", columns=COLUMNS
)
def _table_9() -> Content:
    tower, two = counts.costs("alexnet"), counts.mult_adds("squeezenet1_0") * 2
    notes = [
        "cut off, not rounded",
        f"weights alone, without BatchNorm and bias: {millions(counts.network_weights(TABLE_9[0][-1]), 4)}",
        f"multiplications and additions counted apart, {millions(two)}; every other row has them as one",
        "the paper's two streams; one tower has"
        f" {millions(tower.mult_adds)} mult-adds and {millions(tower.parameters)} parameters",
    ]
    return Content(compared(TABLE_9), notes)


@paper_table(
    "mobilenet-10",
    "MobileNet for Stanford Dogs, 120 classes",
    source=f"{PAPER}, table 10",
    columns=(MODEL, accuracy("Stanford Dogs top-1"), *PRINTED_COSTS),
)
def _table_10() -> Content:
    heads = [counts.trained_parameters(f"inception_v3(aux={aux}, classes=120)") for aux in ("false", "true")]
    thousand = counts.costs("inception_v3")
    notes = [
        f"no form of Inception-v3 at 299 has these: {millions(heads[0])} parameters for 120 classes,"
        f" {millions(heads[1])} with the auxiliary head, {millions(thousand.parameters)} for 1000 classes,"
        f" with {millions(thousand.mult_adds)} mult-adds; at 224 it has"
        f" {millions(counts.mult_adds('inception_v3(res=224)'))}",
        "mult-adds of the network for 1000 classes: "
        + ", ".join(millions(counts.mult_adds(spec)) for spec in ("mobilenet", "mobilenet(res=192)"))
        + "; the parameters are those for 120",
    ]
    return Content(compared(TABLE_10), notes)
