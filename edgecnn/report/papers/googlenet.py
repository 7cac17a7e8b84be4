"""The GoogLeNet paper's table 1, where the quoted 6.8 M parameters come from."""

from edgecnn.report.papers import counts
from edgecnn.report.papers.cells import Column, split_notes
from edgecnn.report.papers.columns import both
from edgecnn.report.papers.counts import millions
from edgecnn.report.papers.table import Content, Row, paper_table

PAPER = "Szegedy et al. 2014, arXiv:1409.4842"

# Type, thousands of parameters and millions of operations as printed, weighted layers of the network.
TABLE_1 = (
    ("convolution 7x7/2", "2.7 [1]", "34 [1]", 1),
    ("convolution 3x3/1", "112 [2]", "360", 2),
    ("inception (3a)", "159 [2]", "128", 6),
    ("inception (3b)", "380 [3]", "304", 6),
    ("inception (4a)", "364 [3]", "73 [4]", 6),
    ("inception (4b)", "437 [3]", "88", 6),
    ("inception (4c)", "463 [3]", "100", 6),
    ("inception (4d)", "580 [3]", "119", 6),
    ("inception (4e)", "840 [3]", "170", 6),
    ("inception (5a)", "1072 [3]", "54 [3]", 6),
    ("inception (5b)", "1388 [3]", "71", 6),
    ("linear", "1000 [2]", "1", 1),
)


@paper_table(
    "googlenet-1",
    "GoogLeNet's blocks: weights and mult-adds",
    source=f"{PAPER}, table 1",
    columns=(Column("type"), *both("parameters", "k", 3), *both("operations", "M", 1)),
)
def _table_1() -> Content:
    layers = iter(counts.select("googlenet", "Conv", "Gemm"))
    rows: list[Row] = []
    parameters_k, operations_m = 0.0, 0.0
    for label, weights, operations, number in TABLE_1:
        found = [next(layers) for _ in range(number)]
        parameters_k += float(split_notes(weights)[0])
        operations_m += float(split_notes(operations)[0])
        exact = sum(map(counts.weights, found)), sum(layer.mult_adds or 0 for layer in found)
        rows.append((label, weights, exact[0], operations, exact[1]))
    total = counts.network_weights("googlenet"), counts.mult_adds("googlenet")
    rows.append(("the sum", f"{parameters_k:.1f} [5]", total[0], f"{operations_m:.0f} [6]", total[1]))
    notes = [
        f"quoted as 6.8 M; in units of 1024 it would be {millions(parameters_k * 1024, 3)}",
        "1500 M in the paper's text, 1550 M in the MobileNet paper",
    ]
    return Content(rows, [*_notes(), *notes])


def _notes() -> list[str]:
    separable = 7 * 7 * 3 * 8 + 24 * 64
    return [
        "a separable 7x7 convolution with depth multiplier 8, 7x7x3x8 + 24x64 ="
        f" {separable:,} weights and {millions(separable * 112**2)}; the network's is dense",
        "thousands are 1024",
        "does not follow from the row's own numbers of filters, in thousands of 1024 either",
        "cut off",
    ]
