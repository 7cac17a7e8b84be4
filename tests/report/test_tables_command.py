"""`edgecnn tables`."""

import csv
import io
import json
import subprocess
import sys

import pytest
from click.testing import CliRunner

from edgecnn.cli.tables import tables_command
from edgecnn.errors import UnknownNameError
from edgecnn.report.papers.table import table_names


def run(*arguments: str) -> str:
    done = CliRunner().invoke(tables_command, arguments, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


def test_without_a_name_it_lists_every_table():
    listed = run()
    assert all(name in listed for name in table_names())
    assert [item["name"] for item in json.loads(run("--json"))["tables"]] == table_names()


def test_it_prints_the_tables_that_are_asked_for():
    text = run("mobilenet-3", "mobilenet-9")
    assert text.index("mobilenet-3") < text.index("mobilenet-9")
    assert "861.34" in text
    assert "[3] multiplications and additions counted apart" in text


def test_json_has_columns_rows_with_kinds_and_notes():
    (table,) = json.loads(run("mobilenet-9", "--json"))["tables"]
    assert table["name"] == "mobilenet-9"
    accuracy, printed = table["rows"][1][1], table["rows"][1][2]
    assert table["columns"][1] == "ImageNet top-1 (%), published"
    source = "Howard et al. 2017, arXiv:1704.04861, table 9"
    assert accuracy == {"value": 57.5, "kind": "published", "source": source}
    assert printed == {"value": 1700, "kind": "published", "source": source, "notes": [3]}
    assert table["rows"][1][3] == {"value": 861.339936, "kind": "computed"}
    assert [note["number"] for note in table["notes"]] == [1, 2, 3, 4]


def test_csv_is_one_table():
    rows = list(csv.DictReader(io.StringIO(run("mobilenet-3", "--csv"))))
    assert [row["mult-adds (M), computed"] for row in rows] == [
        "462.422016",
        "52.283392",
        "29.578752",
        "15.0912",
    ]


def test_markdown_of_two_tables_has_both():
    assert run("mobilenet-3", "mobilenet-5", "--markdown").count("| --- |") == 2


@pytest.mark.parametrize("arguments", [("--json", "--csv"), ("mobilenet-3", "mobilenet-5", "--csv")])
def test_what_cannot_be_printed_is_wrong_usage(arguments):
    done = CliRunner().invoke(tables_command, arguments)
    assert (done.exit_code, done.stdout) == (2, "")


def test_an_unknown_name_is_a_users_error():
    with pytest.raises(UnknownNameError, match="errata"):
        CliRunner().invoke(tables_command, ["erata"], catch_exceptions=False)


def test_listing_imports_nothing_heavy():
    code = (
        "import sys; from edgecnn.cli.tables import tables_command;"
        "tables_command([], standalone_mode=False);"
        "print([name for name in ('torch', 'onnx_ir', 'numpy') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
