"""The VGG paper's tables 1 to 3: depth, parameters and errors of its configurations."""

from edgecnn.report.papers import counts
from edgecnn.report.papers.columns import MODEL, MULT_ADDS, accuracy, both
from edgecnn.report.papers.table import Content, paper_table

PAPER = "Simonyan & Zisserman 2014, arXiv:1409.1556"

# Configuration, weight layers and millions of parameters as printed, network.
TABLES_1_AND_2 = (
    ("A", "11", "133", "vgg11"),
    ("A-LRN", "11", "133", "vgg11_lrn"),
    ("B", "13", "133", "vgg13"),
    ("C", "16", "134", "vgg16_c"),
    ("D", "16", "138", "vgg16"),
    ("E", "19", "144", "vgg19"),
)

# Configuration, sides for training and test, top-1 and top-5 error as printed, network.
TABLE_3 = (
    ("A, S=256, Q=256", "29.6", "10.4", "vgg11"),
    ("A-LRN, S=256, Q=256", "29.7", "10.5", "vgg11_lrn"),
    ("B, S=256, Q=256", "28.7", "9.9", "vgg13"),
    ("C, S=256, Q=256", "28.1", "9.4", "vgg16_c"),
    ("C, S=[256;512], Q=384", "27.3", "8.8", "vgg16_c"),
    ("D, S=256, Q=256", "27.0", "8.8", "vgg16"),
    ("D, S=[256;512], Q=384", "25.6", "8.1", "vgg16"),
    ("E, S=256, Q=256", "27.3", "9.0", "vgg19"),
    ("E, S=[256;512], Q=384", "25.5", "8.0", "vgg19"),
)


@paper_table(
    "vgg-2",
    "VGG's configurations: depth and parameters",
    source=f"{PAPER}, tables 1 and 2",
    columns=(MODEL, *both("weight layers"), *both("parameters", "M", 3), MULT_ADDS),
)
def _table_2() -> Content:
    return Content(
        [
            (name, layers, counts.depth(spec), size, counts.parameters(spec), counts.mult_adds(spec))
            for name, layers, size, spec in TABLES_1_AND_2
        ]
    )


@paper_table(
    "vgg-3",
    "VGG at a single test scale; mult-adds at 224",
    source=f"{PAPER}, table 3",
    columns=(MODEL, accuracy("top-1 error"), accuracy("top-5 error"), MULT_ADDS),
)
def _table_3() -> Content:
    return Content([(name, top1, top5, counts.mult_adds(spec)) for name, top1, top5, spec in TABLE_3])
