"""Printed figures that do not reproduce, each with the exact one and the reason."""

from edgecnn.report.papers import counts
from edgecnn.report.papers.cells import Column, Raw, agrees, split_notes
from edgecnn.report.papers.columns import figure
from edgecnn.report.papers.counts import convolution_weights, mult_adds, parameters, select
from edgecnn.report.papers.lectures import output_size
from edgecnn.report.papers.mobilenet_networks import TABLE_9
from edgecnn.report.papers.table import PAPER_TABLES, Content, paper_table

Erratum = tuple[str, str, str, Raw, str]  # where, what, as printed, exact, reason


@paper_table(
    "errata",
    "Printed figures that do not reproduce",
    source="the work named in each row",
    columns=(
        *(Column("where"), Column("what")),
        *(Column("printed", "published"), figure("exact", decimals=2), Column("reason")),
    ),
)
def _errata() -> Content:
    return Content([*_early_lectures(), *_late_lectures(), *_googlenet(), *_mobilenet(), *_mobilenet_slim()])


def _early_lectures() -> list[Erratum]:
    googlenet = parameters("googlenet")
    inputs = (
        convolution_weights(3, 128, 128),
        convolution_weights(1, 128, 32) + convolution_weights(3, 32, 128),
    )
    return [
        ("lecture 0", "blocks of VGG19", "6", len(select("vgg19", "MaxPool")),
         "2+2+4+4+4 convolutions, a pool after each block"),
        ("lecture 1", "% that a 1x1 convolution to 32 channels saves before 3x3, 128 to 128", "30",
         100 * (1 - inputs[1] / inputs[0]), "reduced to about 30 %, not by 30 %"),
        ("lecture 1", "parameters of AlexNet", "60E+6", parameters("alexnet"),
         "60 M are those of the paper's two streams; the lectures' table is one tower"),
        ("lecture 1", "parameters of VGG19", "110E+6", parameters("vgg19"), "fits no VGG"),
        ("lecture 1", "parameters of GoogLeNet", "4E+6", googlenet,
         "fits no count, not even without the classifier"),
        ("lecture 2", "3x3, stride 1, pad 1 on 7x7 by the printed formula (N - F) / stride + 1",
         str(output_size(7, 3)), output_size(7, 3, padding=1),
         "the formula lacks + 2P; the printed result 7 is right"),
        ("lecture 2", "parameters in VGG16's fully connected layers", "120E+6",
         counts.fully_connected("vgg16")[1], "near: 124 M"),
        ("lecture 2", "parameters of GoogLeNet", "5E+6", googlenet,
         "from “12 times fewer than AlexNet's 60 M” (Szegedy et al. 2015)"),
        ("lecture 2", "fully connected layers of GoogLeNet", "0", len(select("googlenet", "Gemm")),
         f"one, 1024 to 1000: {counts.fully_connected('googlenet')[1] / googlenet:.1%} of the parameters"),
    ]  # fmt: skip


def _late_lectures() -> list[Erratum]:
    channels = [select(spec, "Conv")[0].shape[1] for spec in ("alexnet_d2l", "lenet")]
    return [
        ("lecture 3", "AlexNet's channels, times LeNet's", "10", channels[0] // channels[1],
         f"{channels[0]} against {channels[1]}"),
        ("lecture 4", "values that max pooling 3, stride 2 leaves of 14", "7", output_size(14, 3, 2),
         "seven need ceil mode"),
        ("lecture 4", "parameters of Inception-v1", "5E+6", parameters("googlenet"),
         "the same lecture has 6.8 M in its table 8"),
    ]  # fmt: skip


def _googlenet() -> list[Erratum]:
    """Return every figure of the paper's table 1 that differs, with its note there as the reason."""
    table = PAPER_TABLES["googlenet-1"].compute()
    parameters_of, operations_of = ("parameters", "E+3", 1), ("operations", "E+6", 3)
    found = []
    for row in table.rows:
        for what, power, at in (parameters_of, operations_of):
            text, notes = split_notes(str(row[at]))
            if not agrees(text + power, row[at + 1]):
                reason = "; ".join(table.notes[number - 1] for number in notes)
                found.append(("GoogLeNet, table 1", f"{what} of {row[0]}", text + power, row[at + 1], reason))
    return found


def _mobilenet() -> list[Erratum]:
    return [
        *_mobilenet_layers(),
        *_mobilenet_comparisons(),
        *_mobilenet_bodies(),
        *_mobilenet_text(),
    ]


def _mobilenet_layers() -> list[Erratum]:
    last = counts.layers("mobilenet", "Conv")[-2:]
    pixels = 7 * 7 - 4 * 4
    typo = mult_adds("mobilenet") - pixels * sum(counts.weights(layer.profile) for layer in last)
    share = 100 * (select("mobilenet", "Conv 3x3")[0].mult_adds or 0) / mult_adds("mobilenet")
    return [
        ("MobileNet, table 1", "stride of the last depthwise convolution", "2", last[0].stride,
         f"stride 2 leaves 4x4 before the 7x7 pool, and {typo:,} mult-adds in all"),
        ("MobileNet, table 2", "% of mult-adds in the 3x3 convolution", "1.19", share,
         "two digits swapped: the printed column sums to 99.29"),
    ]  # fmt: skip


def _mobilenet_comparisons() -> list[Erratum]:
    return [
        ("MobileNet, table 8", "mult-adds of GoogLeNet", "1550E+6", mult_adds("googlenet"),
         "neither this nor the sum of the operations in GoogLeNet's own table 1"),
        ("MobileNet, table 8", "parameters of GoogLeNet", "6.8E+6", parameters("googlenet"),
         "the sum of the parameters printed in GoogLeNet's own table 1"),
        ("MobileNet, table 8", "mult-adds of VGG16", "153E+8", mult_adds("vgg16"), "the convolutions alone"),
        ("MobileNet, table 9", "mult-adds of SqueezeNet", "17E+8", mult_adds("squeezenet1_0"),
         "multiplications and additions counted apart"),
        ("MobileNet, table 10", "mult-adds of Inception-v3", "5E+9", mult_adds("inception_v3"),
         "at 299; fits no other resolution in use"),
        ("MobileNet, table 10", "parameters of Inception-v3", "23.2E+6",
         parameters("inception_v3(classes=120)"), "for the 120 classes of the table"),
    ]  # fmt: skip


def _mobilenet_bodies() -> list[Erratum]:
    table_12 = ("MobileNet, table 12", "mult-adds without the classifier of")
    return [
        ("MobileNet, text to table 11", "mult-adds of PlaNet's MobileNet", "58E+4", _body("mobilenet"),
         "billion, not million; the exact figure is without the classifier"),
        (table_12[0], f"{table_12[1]} 0.25-224", "45E+6", _body("mobilenet(width=0.25)"), "fits no count"),
        (table_12[0], f"{table_12[1]} 0.5-128", "48E+6", _body("mobilenet(width=0.5, res=128)"), "cut off"),
        (table_12[0], f"{table_12[1]} 0.25-128", "15E+6", _body("mobilenet(width=0.25, res=128)"),
         "fits no count"),
        ("MobileNet, table 14", "mult-adds of 0.75-128", "166E+6",
         mult_adds("mobilenet(width=0.75, res=128)"), "the row's label must be 0.75-160"),
    ]  # fmt: skip


def _body(spec: str) -> int:
    return mult_adds(spec) - counts.fully_connected(spec)[0]


def _mobilenet_text() -> list[Erratum]:
    small, squeezenet, alexnet = (float(row[1]) for row in TABLE_9)
    times = mult_adds("squeezenet1_0") / mult_adds("mobilenet(width=0.5, res=160)")
    where, own = "MobileNet, text to table 9", "by the accuracies of the table"
    return [
        (where, "times less compute than SqueezeNet", "22", times, "from the 1700 M of table 9"),
        (where, "% better than AlexNet", "4", small - alexnet, own),
        (where, "% better than SqueezeNet", "4", small - squeezenet, own),
    ]


def _mobilenet_slim() -> list[Erratum]:
    stem = "without the first convolution, which the README's other widths include"
    rows = (("0.75", 224, 317), ("0.75", 192, 233), ("0.75", 160, 162), ("0.75", 128, 104), ("0.25", 192, 34))
    return [
        ("TF-slim, mobilenet_v1.md", f"mult-adds of {width}-{res}", f"{printed}E+6",
         mult_adds(f"mobilenet(width={width}, res={res})"), stem if width == "0.75" else "fits no count")
        for width, res, printed in rows
    ]  # fmt: skip
