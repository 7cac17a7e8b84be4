"""The winners of ILSVRC by year, and what torchvision publishes of their networks."""

from edgecnn.report.papers.cells import Column
from edgecnn.report.papers.columns import COSTS, MODEL, PRINTED_COSTS, accuracy, both
from edgecnn.report.papers.counts import depth, mult_adds, parameters, trained_parameters
from edgecnn.report.papers.table import Content, Row, paper_table

# Year, entry, top-5 error of the lectures and of the challenge, layers as printed, spec.
WINNERS = (
    ("2010", "NEC-UIUC", "28.2", "28.2", None, None),
    ("2011", "XRCE", "25.8", "25.8", None, None),
    ("2012", "AlexNet [1]", "16.4", "16.4", "8", "alexnet(streams=2)"),
    ("2013", "Clarifai, after ZFNet [2]", "11.2", "11.7", "8", "zfnet"),
    ("2014", "VGG, second", "7.3", "7.3", "19", "vgg19"),
    ("2014", "GoogLeNet [3]", "6.7", "6.67", "22", "googlenet"),
    ("2015", "ResNet [4]", "3.5", "3.57", "152", "resnet152(stride=v1)"),
)
WINNERS_NOTES = (
    "five networks; 15.3 with two more that saw the images of 2011, 26.2 for the second",
    "11.2 with images from outside the challenge, 11.7 without; ZFNet's own entry had 13.5, which is neither"
    " this error nor that of one network (16.0 to 16.5 on the validation set)",
    "seven networks and 144 crops; 10.07 with one network and one crop",
    "an ensemble; the lectures' 3.5 is cut off. People have about 5.1",
)

# Network, top-1 and top-5 accuracy, 10⁶ mult-adds and parameters as printed, spec.
TORCHVISION = (
    ("alexnet", "56.522", "79.066", "7.1E+2", "61.100840", "alexnet_torchvision"),
    ("vgg11", "69.020", "88.628", "7.61E+3", "132.863336", "vgg11"),
    ("vgg13", "69.928", "89.246", "1.131E+4", "133.047848", "vgg13"),
    ("vgg16", "71.592", "90.382", "1.547E+4", "138.357544", "vgg16"),
    ("vgg19", "72.376", "90.876", "1.963E+4", "143.667240", "vgg19"),
    ("googlenet", "69.778", "89.530", "1.50E+3", "6.624904", "googlenet_torchvision(aux=false)"),
    ("inception_v3", "77.294", "93.450", "5.71E+3", "27.161264 [1]", "inception_v3(aux=false)"),
    ("resnet18", "69.758", None, "1.81E+3", "11.689512", "resnet18"),
    ("resnet34", "73.314", None, "3.66E+3", "21.797672", "resnet34"),
    ("resnet50", "76.130", None, "4.09E+3", "25.557032", "resnet50"),
    ("resnet101", "77.374", None, "7.80E+3", "44.549160", "resnet101"),
    ("resnet152", "78.312", None, "1.151E+4", "60.192808", "resnet152"),
    ("squeezenet1_0", "58.092", "80.420", "8.2E+2", "1.248424", "squeezenet1_0(conv10=unpadded, res=224)"),
    ("squeezenet1_1", "58.178", "80.624", "3.5E+2", "1.235496", "squeezenet1_1(res=224)"),
)


@paper_table(
    "ilsvrc",
    "The winners of ILSVRC's classification by year",
    source="the lectures; ILSVRC's results",
    columns=(
        *(Column("year"), Column("entry"), accuracy("top-5 error in the lectures")),
        *(accuracy("top-5 error"), *both("layers"), *COSTS),
    ),
)
def _winners() -> Content:
    rows: list[Row] = [
        (
            *row[:-1],
            *([None] * 3 if row[-1] is None else (depth(row[-1]), mult_adds(row[-1]), parameters(row[-1]))),
        )
        for row in WINNERS
    ]
    return Content(rows, WINNERS_NOTES)


@paper_table(
    "torchvision",
    "What torchvision publishes of its networks",
    source="torchvision, metadata of IMAGENET1K_V1",
    columns=(MODEL, accuracy("top-1"), accuracy("top-5"), *PRINTED_COSTS),
)
def _torchvision() -> Content:
    rows: list[Row] = [
        (*row[:4], mult_adds(str(row[-1])), row[4], parameters(str(row[-1]))) for row in TORCHVISION
    ]
    both_heads = trained_parameters("inception_v3(aux=true)")
    return Content(rows, [f"with the auxiliary head, which is left out of what runs: {both_heads:,}"])
