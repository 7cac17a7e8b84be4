import numpy as np
import pytest

from edgecnn.evaluate import measure
from edgecnn.evaluate.classification import joined
from edgecnn.report.evaluation import metrics_rows, pictures_csv, print_confusion, print_metrics


def metrics(predicted, labels, classes, notes=()):
    names = tuple(f"class {index}" for index in range(classes))
    return joined([measure(np.eye(classes)[predicted], np.array(labels))], names, notes)


def test_of_few_classes_the_confusion_is_a_matrix(capsys):
    print_confusion([("net", metrics([0, 1, 1], [0, 0, 1], 3))])
    title, heads, *rows = capsys.readouterr().out.splitlines()[1:]
    assert title == "confusion of net (images, a row for each true class), measured"
    assert heads.split("  ") == ["true class", "class 0", "class 1", "class 2"]
    assert [row.split() for row in rows] == [["class", "0", "1", "1", "0"], ["class", "1", "0", "1", "0"]]


def test_of_many_classes_it_is_the_most_frequent_mistakes(capsys):
    print_confusion([("net", metrics([5, 7, 7, 3], [5, 2, 2, 9], 21))])
    title, _, *rows = capsys.readouterr().out.splitlines()[1:]
    assert title == "most frequent mistakes of net (images), measured"
    assert [row.split() for row in rows] == [
        ["class", "2", "class", "7", "2"],
        ["class", "9", "class", "3", "1"],
    ]


def test_a_note_is_printed_once(capsys):
    both = [(name, metrics([0], [0], 2, notes=("mind this",))) for name in ("one", "other")]
    print_metrics("pictures", metrics_rows(both))
    assert capsys.readouterr().out.splitlines()[-1] == "note: mind this"


def test_models_of_one_name_have_a_row_each():
    net = metrics([0, 1], [0, 0], 2)
    assert [row["model"] for row in metrics_rows([("net", net), ("net", net)])] == ["net", "net"]


def test_a_class_without_pictures_has_no_recall():
    rows = metrics_rows([("net", metrics([0, 1], [0, 0], 3))])[0]["per_class"]
    assert [(row["class"], row["n"], row["recall"]) for row in rows] == [
        ("class 0", 2, 1 / 2),
        ("class 1", 0, None),
    ]
    assert rows[0]["precision"] == pytest.approx(1)


def test_a_line_of_the_file_is_a_picture():
    text = pictures_csv([("a,b", metrics([0, 1], [0, 0], 2))]).decode()
    assert text.splitlines() == [
        "model,picture,class,named,rank",
        '"a,b",0,class 0,class 0,1',
        '"a,b",1,class 0,class 1,2',
    ]
