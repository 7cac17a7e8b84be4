"""The arithmetic of the lectures that comes out as printed; what does not is in `errata`."""

from edgecnn.report.papers import counts
from edgecnn.report.papers.cells import Column
from edgecnn.report.papers.columns import both, figure
from edgecnn.report.papers.counts import convolution_weights, depth, parameters, select
from edgecnn.report.papers.table import Content, Row, paper_table

LENET = ((3, 120), (4, 84), (5, 10))  # layer and units as printed


def output_size(size: int, kernel: int, stride: int = 1, padding: int = 0) -> int:
    """Return `⌊(W − F + 2P) / S⌋ + 1`."""
    return (size - kernel + 2 * padding) // stride + 1


@paper_table(
    "lectures",
    "The lectures' arithmetic",
    source="the lectures",
    columns=(Column("lecture"), Column("claim"), *both("figure", decimals=2)),
)
def _lectures() -> Content:
    notes = ["with windows that may end outside (ceil mode); without, there are six"]
    rows = {"0": _history(), "1": _factors(), "2": _sizes(), "3": _modern(), "4": _mobile()}
    return Content([(lecture, *row) for lecture, group in rows.items() for row in group], notes)


def _history() -> list[Row]:
    return [
        ("sub-sampling 2x2 of 28x28", "14", output_size(28, 2, 2)),
        ("sub-sampling 2x2 of 10x10", "5", output_size(10, 2, 2)),
        ("layers of AlexNet", "8", depth("alexnet")),
        ("receptive field of three 3x3 convolutions", "7", 1 + 3 * (3 - 1)),
        ("convolutions of VGG16", "13", len(select("vgg16", "Conv"))),
        ("fully connected layers of VGG16", "3", len(select("vgg16", "Gemm"))),
        ("256 maps of 100x100 to 10 outputs: weights", "256E+5", 256 * 100 * 100 * 10),
        ("the same after global average pooling", "2560", 256 * 10),
    ]


def _factors() -> list[Row]:
    return [
        (
            "two 3x3 convolutions, 128 to 128 channels: weights",
            "294912",
            2 * convolution_weights(3, 128, 128),
        ),
        ("one 5x5 convolution, 128 to 128 channels: weights", "409600", convolution_weights(5, 128, 128)),
        ("receptive field of two 3x3 convolutions", "5", 1 + 2 * (3 - 1)),
        ("parameters of AlexNet (two streams)", "6E+7", parameters("alexnet(streams=2)")),
        ("layers of GoogLeNet", "22", depth("googlenet")),
    ]


def _sizes() -> list[Row]:
    conv1 = counts.layers("alexnet(order=pool_norm)", "Conv", "MaxPool")
    return [
        ("numbers in a 32x32x3 image", "3072", 32 * 32 * 3),
        ("numbers in a 200x200x3 image", "120000", 200 * 200 * 3),
        ("5x5 on 32x32: side", "28", output_size(32, 5)),
        ("3x3, stride 2, pad 1 on 5x5: side", "3", output_size(5, 3, 2, 1)),
        ("3x3, stride 1 on 7x7: side", "5", output_size(7, 3)),
        ("3x3, stride 2 on 7x7: side", "3", output_size(7, 3, 2)),
        ("3x3, stride 3 on 7x7: side, does not fit", "2.33", (7 - 3) / 3 + 1),
        ("3x3, stride 1, pad 1 on 7x7: side", "7", output_size(7, 3, 1, 1)),
        *((f"pad that keeps the side, {size}x{size}", str(size // 2), (size - 1) // 2) for size in (3, 5, 7)),
        ("10 filters 5x5, pad 2 on 32x32x3: side", "32", output_size(32, 5, 1, 2)),
        ("parameters of one of these filters", "76", 5 * 5 * 3 + 1),
        ("parameters of all ten", "760", 10 * (5 * 5 * 3 + 1)),
        ("AlexNet's conv1: side", "55", conv1[0].profile.shape[2]),
        ("AlexNet's conv1: weights", "35E+3", counts.weights(conv1[0].profile)),
        ("AlexNet's pool1: side", "27", conv1[1].profile.shape[2]),
        ("parameters of VGG16", "138E+6", parameters("vgg16")),
        ("three 3x3 convolutions, C channels: weights / C²", "27", 3 * convolution_weights(3, 1, 1)),
        ("one 7x7 convolution, C channels: weights / C²", "49", convolution_weights(7, 1, 1)),
        ("AlphaGo's first layer: padded side", "23", 19 + 2 * 2),
        ("AlphaGo's other layers: padded side", "21", 19 + 2 * 1),
        ("AlphaGo's filters", "192", select("alphago_policy", "Conv")[0].shape[1]),
    ]


def _modern() -> list[Row]:
    lenet = [layer.profile.shape[1:] for layer in counts.layers("lenet")]
    sides = [layer.profile.shape[2] for layer in counts.layers("alexnet_d2l", "MaxPool")]
    modules = [layer.shape[1] for layer in select("googlenet", "Concat")]
    conv2 = [select(f"alexnet(streams={streams})", "Conv")[1].mult_adds or 0 for streams in (1, 2)]
    return [
        ("LeNet's conv1: side", "28", lenet[0][1]),
        ("LeNet's conv2: side", "10", lenet[1][1]),
        *((f"LeNet's layer {at}: units", str(units), lenet[at - 1][0]) for at, units in LENET),
        ("AlexNet on 224 with padding 1: side", "54", select("alexnet_d2l", "Conv")[0].shape[2]),
        *(("after the next pool", str(at), side) for at, side in zip((26, 12, 5), sides, strict=True)),
        ("and flattened", "6400", select("alexnet_d2l", "Flatten")[0].shape[1]),
        ("convolutions of VGG-11", "8", len(select("vgg11", "Conv"))),
        ("first inception module, 64+128+32+32: channels", "256", modules[0]),
        ("second inception module, 128+192+96+64: channels", "480", modules[1]),
        ("2 groups, AlexNet's conv2: times faster", "2", conv2[0] / conv2[1]),
    ]  # fmt: skip


def _mobile() -> list[Row]:
    return [
        ("parameters of LeNet-5", "60000", parameters("lenet5")),
        ("max pooling 2, stride 2 of 14 values: values", "7", output_size(14, 2, 2)),
        ("max pooling 3, stride 2 of 14 values: values", "7 [1]", output_size(14, 3, 2)),
        ("7x7x64 flattened: inputs for each class", "3136", 7 * 7 * 64),
        ("parameters of AlexNet (two streams)", "6E+7", parameters("alexnet(streams=2)")),
        ("parameters of VGG16", "138E+6", parameters("vgg16")),
        ("VGG16: times as deep as AlexNet", "2", depth("vgg16") / depth("alexnet")),
        ("parameters of ResNet-50", "26E+6", parameters("resnet50")),
        ("U-Net: side before its lowest convolutions", "32", select("unet", "MaxPool")[-1].shape[2]),
        ("connections of a dense block of 5 layers, N (N + 1) / 2", "15", 5 * (5 + 1) // 2),
    ]  # fmt: skip


@paper_table(
    "separable",
    "Separable (K²MD² + MND²) against standard convolution (K²MND²), block by block",
    source="the lectures; Howard et al. 2017, section 3.1",
    columns=(
        *(Column("MobileNet's block"), figure("M"), figure("N"), figure("K"), figure("D")),
        *(figure("standard", "M", 2), figure("separable", "M", 2)),
        *(figure("separable / standard", decimals=4), figure("1/N + 1/K²", decimals=4)),
    ),
)
def _separable() -> Content:
    found = [layer.profile for layer in counts.layers("mobilenet", "Conv")[1:]]
    rows: list[Row] = []
    for number, (depthwise, pointwise) in enumerate(zip(found[::2], found[1::2], strict=True), 1):
        m, n, side = depthwise.shape[1], pointwise.shape[1], pointwise.shape[2]
        standard = side**2 * convolution_weights(3, m, n)
        cost = (depthwise.mult_adds or 0) + (pointwise.mult_adds or 0)
        rows.append((str(number), m, n, 3, side, standard, cost, cost / standard, 1 / n + 1 / 3**2))
    return Content(rows)
