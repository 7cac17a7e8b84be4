"""Golden numbers, each also computed from the paper's layer table, independently of the graph."""

import pytest

from edgecnn.export.recorder import record
from edgecnn.models import build, complete
from edgecnn.profile import profile
from edgecnn.spec import ModelSpec

# Howard et al. 2017, table 1: (input channels, output channels, stride) of the 13 separable blocks.
TABLE_1 = [(32, 64, 1), (64, 128, 2), (128, 128, 1), (128, 256, 2), (256, 256, 1), (256, 512, 2)]
TABLE_1 += [(512, 512, 1)] * 5 + [(512, 1024, 2), (1024, 1024, 1)]

# (mult-adds, parameters) of the paper's grid, tables 6 and 7, to the last digit.
GRID = {
    (1.0, 224): (568_740_352, 4_231_976),
    (1.0, 192): (418_121_728, 4_231_976),
    (1.0, 160): (290_675_200, 4_231_976),
    (1.0, 128): (186_400_768, 4_231_976),
    (0.75, 224): (325_400_448, 2_585_560),
    (0.75, 192): (239_273_472, 2_585_560),
    (0.75, 160): (166_396_800, 2_585_560),
    (0.75, 128): (106_770_432, 2_585_560),
    (0.5, 224): (149_497_088, 1_331_592),
    (0.5, 192): (109_970_432, 1_331_592),
    (0.5, 160): (76_524_800, 1_331_592),
    (0.5, 128): (49_160_192, 1_331_592),
    (0.25, 224): (41_030_272, 470_072),
    (0.25, 192): (30_212_608, 470_072),
    (0.25, 160): (21_059_200, 470_072),
    (0.25, 128): (13_570_048, 470_072),
}


def costs(text: str):
    spec = complete(ModelSpec.parse(text))
    shape = (1, spec.in_channels, spec.res.height, spec.res.width)
    return profile(record(build(spec, "meta"), shape))


def by_hand(width: float, res: int, body: str = "separable") -> tuple[int, int]:
    """Mult-adds and parameters from the layer table alone."""
    blocks = [block for block in TABLE_1 if body != "shallow" or block != (512, 512, 1)]
    side, stem = res // 2, round(32 * width)
    mult_adds, parameters = side**2 * 9 * 3 * stem, 9 * 3 * stem + 2 * stem
    for inputs, outputs, stride in blocks:
        m, n, side = round(inputs * width), round(outputs * width), side // stride
        weights = 9 * m * n if body == "full" else 9 * m + m * n
        mult_adds += side**2 * weights
        parameters += weights + (2 * n if body == "full" else 2 * m + 2 * n)
    features = round(1024 * width)
    return mult_adds + features * 1000, parameters + features * 1000 + 1000


@pytest.mark.parametrize(("width", "res"), GRID, ids=str)
def test_mobilenets_grid_is_exact(width, res):
    result = costs(f"mobilenet(width={width}, res={res})")
    assert (result.mult_adds, result.parameters) == GRID[width, res] == by_hand(width, res)
    assert result.unknown_ops == ()


@pytest.mark.parametrize(
    ("body", "expected", "receptive_field"),
    [("full", (4_867_293_184, 29_294_088), 315), ("shallow", (307_323_392, 2_887_976), 155)],
)
def test_the_variants_of_tables_4_and_5_are_exact(body, expected, receptive_field):
    result = costs(f"mobilenet(body={body})")
    assert (result.mult_adds, result.parameters) == expected == by_hand(1.0, 224, body)
    assert result.receptive_field == (receptive_field, receptive_field)


def test_lenet_is_exact():
    result = costs("lenet")
    weights = 25 * 6 + 25 * 6 * 16 + 16 * 25 * 120 + 120 * 84 + 84 * 10
    assert result.parameters == weights + 6 + 16 + 120 + 84 + 10 == 61_706
    assert (
        result.mult_adds == 28**2 * 25 * 6 + 10**2 * 25 * 6 * 16 + 400 * 120 + 120 * 84 + 84 * 10 == 416_520
    )
    assert result.receptive_field == (16, 16)
    assert result.weight_bytes == 4 * 61_706


def test_narrower_and_smaller_is_never_dearer():
    grid = {key: costs(f"mobilenet(width={key[0]}, res={key[1]})").mult_adds for key in GRID}
    for (width, res), mult_adds in grid.items():
        assert all(mult_adds >= other for (w, r), other in grid.items() if w <= width and r <= res)
