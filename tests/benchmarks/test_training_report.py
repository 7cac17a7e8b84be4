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


def row(**seconds):
    names = {"graph": "plain, of the graph"}
    seconds = {names.get(name, name): times for name, times in seconds.items()}
    return {"network": "lenet", "batch": 4, "images": 40, "seconds": seconds}


def test_the_ratio_is_the_median_of_the_rounds():
    rounds = row(edgecnn=[1.0, 3.0, 8.0], plain=[2.0, 9.0, 4.0], graph=[4.0, 9.0, 4.0])
    assert training_report.ratio(rounds, "edgecnn") == 2.0
    assert training_report.ratio(rounds, "plain, of the graph") == 1.0


@pytest.mark.parametrize(
    ("own", "graph", "word"),
    [(1.0, 1.0, "holds"), (1.06, 1.0, "does not hold"), (1.0, 1.06, "does not hold")],
)
def test_the_expectation_of_loop_and_graph_is_judged(own, graph, word):
    result = {
        "date": "2026-01-01",
        "machine": HOST,
        "threads": 1,
        "torch": "2",
        "networks": [row(edgecnn=[own], plain=[1.0], graph=[graph])],
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
