"""The papers' tables: golden cells, and rules that every table keeps."""

import csv
import io
import json
from functools import cache

import pytest

from edgecnn.errors import UnknownNameError
from edgecnn.report.papers import PAPER_TABLES, Column, Table, paper_tables
from edgecnn.report.papers.cells import agrees, split_notes
from edgecnn.report.papers.render import to_csv, to_markdown
from edgecnn.report.papers.table import index, table_names

pytestmark = pytest.mark.xdist_group("paper tables")  # each is computed once


@cache
def computed(name: str) -> Table:
    return paper_tables(name)[0]


def figures(name: str, row: str) -> dict[str, object]:
    """The row of a table by its first cell: what its columns have."""
    table = computed(name)
    cells = next(cells for cells in table.cells() if cells[0].value == row)
    return {column.title: cell.value for column, cell in zip(table.columns, cells, strict=True)}


MILLION = 10**6
GOLDEN = {
    ("mobilenet-4", "Conv MobileNet"): (4_867_293_184 / MILLION, 29_294_088 / MILLION),
    ("mobilenet-5", "Shallow MobileNet"): (307_323_392 / MILLION, 2_887_976 / MILLION),
    ("mobilenet-6", "0.25 MobileNet-224"): (41_030_272 / MILLION, 470_072 / MILLION),
    ("mobilenet-7", "1.0 MobileNet-160"): (290_675_200 / MILLION, 4_231_976 / MILLION),
    ("mobilenet-8", "1.0 MobileNet-224"): (568_740_352 / MILLION, 4_231_976 / MILLION),
    ("mobilenet-8", "GoogleNet"): (1_582_671_872 / MILLION, 6_998_552 / MILLION),
    ("mobilenet-8", "VGG 16"): (15_470_264_320 / MILLION, 138_357_544 / MILLION),
    ("mobilenet-9", "0.50 MobileNet-160"): (76_524_800 / MILLION, 1_331_592 / MILLION),
    ("mobilenet-9", "Squeezenet"): (861_339_936 / MILLION, 1_248_424 / MILLION),
    ("mobilenet-9", "AlexNet"): (724_406_816 / MILLION, 60_965_224 / MILLION),
    # 880 classes fewer: 880 x 1024 mult-adds less than 568,740,352, and 880 biases more off the parameters.
    ("mobilenet-10", "1.0 MobileNet-224"): (
        (568_740_352 - 880 * 1024) / MILLION,
        (4_231_976 - 880 * 1025) / MILLION,
    ),
    ("resnet-2", "plain-34"): (3_644_493_824 / MILLION, 21_623_848 / MILLION),
    ("densenet-imagenet", "DenseNet-161 (k=48)"): (7_727_907_072 / MILLION, 28_681_000 / MILLION),
    ("torchvision", "inception_v3"): (5_713_216_096 / MILLION, 23_834_568 / MILLION),
}


@pytest.mark.parametrize(("name", "row"), GOLDEN, ids=[" ".join(key) for key in GOLDEN])
def test_a_row_has_the_exact_costs(name, row):
    found = figures(name, row)
    assert (found["mult-adds (M), computed"], found["parameters (M), computed"]) == GOLDEN[name, row]


def test_mobilenets_table_8_has_what_the_paper_prints():
    assert figures("mobilenet-8", "GoogleNet") == {
        "model": "GoogleNet",
        "ImageNet top-1 (%), published": 69.8,
        "mult-adds (M), published": 1550,
        "mult-adds (M), computed": 1582.671872,
        "parameters (M), published": 6.8,
        "parameters (M), computed": 6.998552,
    }


def test_mobilenets_table_1_has_its_28_weighted_layers_and_their_sum():
    table = computed("mobilenet-1")
    titles = [column.title for column in table.columns]
    rows = [dict(zip(titles, row, strict=True)) for row in table.rows]
    times = [5 if row["layer"].startswith("5x") else 1 for row in rows]
    mult_adds = [row["mult-adds (M), computed"] for row in rows]
    assert sum(times) - 1 == 28  # and the pool
    assert sum(time * each for time, each in zip(times, mult_adds, strict=True)) == 568_740_352
    assert [row["stride, computed"] for row in rows if row["stride, published"] == "2 [1]"] == ["1"]


def test_the_separable_blocks_cost_the_fraction_of_the_formula():
    for *_, ratio, formula in computed("separable").rows:
        assert ratio == pytest.approx(formula, rel=1e-12)


def test_the_winners_have_as_many_layers_as_their_papers_say():
    layers = {row[1]: (row[4], row[5]) for row in computed("ilsvrc").rows if row[4]}
    assert layers["ResNet [4]"] == ("152", 152)
    assert all(int(printed) == found for printed, found in layers.values())


def test_an_erratum_is_not_a_matter_of_rounding():
    errata = computed("errata")
    assert len(errata.rows) > 40
    for where, what, printed, exact, reason in errata.rows:
        assert not agrees(printed, exact), (where, what)
        assert reason


ERRATA = {
    ("lecture 1", "parameters of VGG19"): 143_667_240,
    ("lecture 2", "parameters of GoogLeNet"): 6_998_552,
    ("lecture 3", "AlexNet's channels, times LeNet's"): 96 // 6,
    ("GoogLeNet, table 1", "parameters of convolution 7x7/2"): 7 * 7 * 3 * 64,
    ("GoogLeNet, table 1", "operations of convolution 7x7/2"): 7 * 7 * 3 * 64 * 112**2,
    ("MobileNet, table 1", "stride of the last depthwise convolution"): 1,
    ("MobileNet, table 9", "mult-adds of SqueezeNet"): 861_339_936,
    ("MobileNet, table 10", "mult-adds of Inception-v3"): 5_713_216_096,
    ("TF-slim, mobilenet_v1.md", "mult-adds of 0.25-192"): 30_212_608,
}


@pytest.mark.parametrize(("where", "what"), ERRATA, ids=[" ".join(key) for key in ERRATA])
def test_an_erratum_has_the_exact_figure(where, what):
    assert [row[3] for row in computed("errata").rows if row[:2] == (where, what)] == [ERRATA[where, what]]


def test_the_misprinted_stride_would_cost_what_the_errata_say():
    reason = next(row[4] for row in computed("errata").rows if row[0] == "MobileNet, table 1")
    assert f"{568_740_352 - (49 - 16) * (9 * 1024 + 1024 * 1024):,}" == "533,833,216"
    assert "533,833,216" in reason


@pytest.mark.parametrize("name", PAPER_TABLES)
def test_what_a_table_prints_is_what_we_compute_or_has_a_note(name):
    assert computed(name).unexplained() == []


@pytest.mark.parametrize("name", PAPER_TABLES)
def test_a_note_on_a_figure_that_we_compute_explains_a_difference(name):
    noted = [pair for pair in computed(name).pairs() if split_notes(pair[0])[1]]
    assert [printed for printed, exact, column in noted if agrees(printed, exact, column.unit)] == []


@pytest.mark.parametrize("name", PAPER_TABLES)
def test_notes_are_numbered_and_all_are_referred_to(name):
    table = computed(name)
    used = {number for row in table.cells() for cell in row for number in cell.notes}
    assert used == set(range(1, len(table.notes) + 1))
    assert all(table.notes)


@pytest.mark.parametrize("name", PAPER_TABLES)
def test_every_figure_says_its_kind_and_a_published_one_its_source(name):
    table = computed(name)
    for row in table.to_json()["rows"]:
        for column, cell in zip(table.columns, row, strict=True):
            if cell["value"] is not None and column.kind != "label":
                assert cell["kind"] == column.kind
            if cell["value"] is not None and column.kind == "published":
                assert cell["source"]


@pytest.mark.parametrize("name", PAPER_TABLES)
def test_json_csv_and_markdown_are_well_formed(name):
    table = computed(name)
    data = json.loads(json.dumps(table.to_json(), allow_nan=False))
    width, height = len(table.columns), len(table.rows)
    assert {len(row) for row in data["rows"]} == {width}
    read = list(csv.reader(io.StringIO(to_csv(table))))
    assert [len(row) for row in read] == [width + 1] * (height + 1)
    lines = [line for line in to_markdown(table).splitlines() if line.startswith("|")]
    assert [line.replace("\\|", "").count("|") for line in lines] == [width + 1] * (height + 2)


def test_csv_is_not_rounded_and_says_the_notes_in_words():
    read = list(csv.DictReader(io.StringIO(to_csv(computed("mobilenet-8")))))
    assert read[2]["mult-adds (M), computed"] == "15470.26432"
    assert read[2]["mult-adds (M), published"] == "15300"
    assert read[2]["notes"].startswith("the convolutions alone")


def test_markdown_has_the_table_the_sources_and_the_notes():
    text = to_markdown(computed("mobilenet-9"))
    assert "| Squeezenet | 57.5 | 1,700 [3] | 861.34 | 1.25 | 1.248 |" in text
    assert "published: Howard et al. 2017, arXiv:1704.04861, table 9" in text
    assert "\n3. multiplications and additions counted apart, 1,722.68 M" in text


def test_a_difference_without_a_note_is_found():
    columns = (Column("cost", "published", "M"), Column("cost", "computed", "M", 1))
    rows = (("1.6", 1_550_000), ("1.5", 1_560_000), ("1.5 [1]", 1_560_000))
    assert Table("t", "", "", columns, rows, ("cut off",)).unexplained() == ["1.5"]


def test_tables_are_listed_by_their_numbers():
    mobilenets = [name for name in table_names() if name.startswith("mobilenet-") and name[-1].isdigit()]
    assert mobilenets == [f"mobilenet-{number}" for number in range(1, 11)]
    assert [row[0] for row in index().rows] == table_names()


def test_an_unknown_table_answers_with_the_nearest():
    with pytest.raises(UnknownNameError, match=r"mobilenet-8.*`edgecnn tables` lists all"):
        paper_tables("mobilnet-8")
