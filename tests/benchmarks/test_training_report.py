import json

import pytest
import report
import training_report

HOST = {
    "cpu": "A CPU",
    "cores": 2,
    "system": "Linux",
    "python": "3.11",
    "load_before": 0.1,
    "load_after": 1.0,
}


def row(plain, own):
    return {"network": "lenet", "batch": 4, "images": 40, "seconds": {"edgecnn": own, "plain": plain}}


def test_the_ratio_is_the_median_of_the_rounds():
    assert training_report.ratio(row([2.0, 9.0, 4.0], [1.0, 3.0, 8.0])) == 2.0


@pytest.mark.parametrize(("own", "word"), [(1.0, "holds"), (1.06, "does not hold")])
def test_the_expectation_is_judged(own, word):
    result = {
        "date": "2026-01-01",
        "machine": HOST,
        "threads": 1,
        "torch": "2",
        "networks": [row([1.0], [own])],
    }
    assert f"at least 0.95: {word} |" in training_report.section(result)


@pytest.mark.parametrize("name", ["FASHION_MNIST", "UNET_SHAPES", "TRAINING"])
def test_a_published_result_is_measured_and_names_no_path(name):
    file = getattr(report, name)
    if not file.exists():
        pytest.skip(f"{file.name} has not been measured yet")
    text = file.read_text()
    assert json.loads(text)["kind"] == "measured"
    assert '"/' not in text
