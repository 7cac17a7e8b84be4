"""The MobileNet paper's tables 1 to 3: layers, shares by kind of layer, one layer made cheaper."""

from collections.abc import Sequence

from edgecnn.report.papers import counts
from edgecnn.report.papers.cells import Column
from edgecnn.report.papers.columns import MULT_ADDS, both, figure
from edgecnn.report.papers.counts import Layer, convolution_weights, separable_weights, weights
from edgecnn.report.papers.table import Content, Row, paper_table

PAPER = "Howard et al. 2017, arXiv:1704.04861"

# Type, filter shape, stride, input size; "5x" stands for five equal pairs of rows.
TABLE_1 = (
    ("Conv", "3x3x3x32", "2", "224x224x3"),
    ("Conv dw", "3x3x32 dw", "1", "112x112x32"),
    ("Conv", "1x1x32x64", "1", "112x112x32"),
    ("Conv dw", "3x3x64 dw", "2", "112x112x64"),
    ("Conv", "1x1x64x128", "1", "56x56x64"),
    ("Conv dw", "3x3x128 dw", "1", "56x56x128"),
    ("Conv", "1x1x128x128", "1", "56x56x128"),
    ("Conv dw", "3x3x128 dw", "2", "56x56x128"),
    ("Conv", "1x1x128x256", "1", "28x28x128"),
    ("Conv dw", "3x3x256 dw", "1", "28x28x256"),
    ("Conv", "1x1x256x256", "1", "28x28x256"),
    ("Conv dw", "3x3x256 dw", "2", "28x28x256"),
    ("Conv", "1x1x256x512", "1", "14x14x256"),
    ("5x Conv dw", "3x3x512 dw", "1", "14x14x512"),
    ("5x Conv", "1x1x512x512", "1", "14x14x512"),
    ("Conv dw", "3x3x512 dw", "2", "14x14x512"),
    ("Conv", "1x1x512x1024", "1", "7x7x512"),
    ("Conv dw", "3x3x1024 dw", "2 [1]", "7x7x1024"),
    ("Conv", "1x1x1024x1024", "1", "7x7x1024"),
    ("Avg Pool", "Pool 7x7", "1", "7x7x1024"),
    ("FC", "1024x1000", "1", "1x1x1024"),
)
FIVE_PAIRS = (13, 23)  # the layers that the two rows "5x" stand for

# Type, share of mult-adds and of parameters as printed, kind of layer.
TABLE_2 = (
    ("Conv 1x1", "94.86", "74.59", "Conv 1x1"),
    ("Conv DW 3x3", "3.06", "1.06", "Conv depthwise 3x3"),
    ("Conv 3x3", "1.19 [1]", "0.02", "Conv 3x3"),
    ("Fully Connected", "0.18", "24.33", "Gemm"),
)

# What changes, mult-adds and parameters as printed, weights by (kernel, c_in, c_out), channels, side.
TABLE_3 = (
    ("Convolution", "462", "2.36", convolution_weights, 512, 14),
    ("Depthwise Separable Conv", "52.3", "0.27", separable_weights, 512, 14),
    ("width multiplier 0.75", "29.6", "0.15", separable_weights, 384, 14),
    ("resolution multiplier 0.714", "15.1", "0.15", separable_weights, 384, 10),
)


@paper_table(
    "mobilenet-1",
    "MobileNet body architecture",
    source=f"{PAPER}, table 1",
    columns=(
        *(Column("layer"), Column("filter shape"), *both("stride"), *both("input size")),
        *(MULT_ADDS, figure("weights")),
    ),
)
def _table_1() -> Content:
    found = counts.layers("mobilenet", "Conv", "GlobalAveragePool", "Gemm")
    first, last = FIVE_PAIRS
    rows = [
        _layer_row(printed, layer)
        for printed, layer in zip(TABLE_1, [*found[: first + 2], *found[last:]], strict=True)
    ]
    typo = "the last depthwise convolution has stride 1: stride 2 would leave 4x4 for the pool, which is 7x7"
    return Content(rows, [typo])


def _layer_row(printed: Sequence[str], layer: Layer) -> Row:
    kind, filters, stride, size = printed
    convolution = layer.profile.kind.startswith("Conv")
    return (
        *(kind, filters, stride, str(layer.stride) if convolution else None, size, _size(layer.inputs)),
        *(layer.profile.mult_adds, weights(layer.profile)),
    )


def _size(shape: tuple[int, ...]) -> str:
    _, channels, height, width = (*shape, 1, 1)[:4]
    return f"{height}x{width}x{channels}"


@paper_table(
    "mobilenet-2",
    "Resources per layer type; parameters are weights alone",
    source=f"{PAPER}, table 2",
    columns=(Column("type"), *both("mult-adds", "%", 3), *both("parameters", "%", 3)),
)
def _table_2() -> Content:
    all_mult_adds, all_weights = counts.mult_adds("mobilenet"), counts.network_weights("mobilenet")
    rows = []
    for label, mult_adds, share, kind in TABLE_2:
        found = counts.select("mobilenet", kind)
        own = sum(layer.mult_adds or 0 for layer in found)
        rows.append((label, mult_adds, own / all_mult_adds, share, sum(map(weights, found)) / all_weights))
    printed = sum(float(row[1].split(" ")[0]) for row in TABLE_2)
    return Content(rows, [f"two digits of 1.91 are swapped: the printed column sums to {printed:.2f} %"])


@paper_table(
    "mobilenet-3",
    "One layer, 14x14x512 with a 3x3x512x512 kernel, made cheaper step by step",
    source=f"{PAPER}, table 3",
    columns=(Column("layer/modification"), *both("mult-adds", "M", 3), *both("parameters", "M", 4)),
)
def _table_3() -> Content:
    rows = []
    for label, mult_adds, parameters, count, channels, side in TABLE_3:
        size = count(3, channels, channels)
        rows.append((label, mult_adds, side**2 * size, parameters, size))
    return Content(rows)
