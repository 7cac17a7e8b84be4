import json

import pytest
import report
from prune_report import section

HOST = {"cpu": "A CPU", "cores": 2, "system": "Linux", "load_before": 0.1, "load_after": 1.0}
STAMP = {"date": "2026-01-01", "on": "cpu", "machine": HOST, "versions": {"torch": "2", "torch-pruning": "1"}}
BOTH = {"network": "vgg11", "edgecnn": {"kept": 0.5}, "peer": {"kept": 0.49}}
OURS = {"network": "resnet20", "edgecnn": {"kept": 0.5}, "peer": {"failed": "exit 1: a | b"}}


def row(tool: str, top1: float) -> dict:
    costs = {"mult_adds": 20e6, "parameters": 1e5, "latency_s": 1e-3, "prune_s": 1.0}
    return {"fraction": 0.5, "tool": tool, "cut_top1": 0.5, "top1": top1, **costs}


def trained(*rows: dict) -> dict:
    whole = {"top1": 0.915, "mult_adds": 41e6, "parameters": 2e5, "latency_s": 2e-3}
    counts = {"epochs": 20, "training_pictures": 2000, "test_pictures": 1000}
    table = {"name": "resnet20", "spec": "resnet20()", **whole, **counts, "rows": list(rows)}
    return {"trained": {"resnet20": {**STAMP, "found": table}}}


def test_networks_that_one_tool_cannot_halve_are_named_with_its_reason():
    text = section({"reach": {**STAMP, "found": [BOTH, OURS]}})
    assert "Of 2 networks, edgecnn 2, Torch-Pruning 1" in text
    assert "| `resnet20` | 50.0% kept | exit 1: a \\| b |" in text
    assert "vgg11" not in text


@pytest.mark.parametrize(("own", "word"), [(0.91, "holds"), (0.89, "does not hold")])
def test_accuracy_is_judged_beside_the_best_of_the_peer(own, word):
    rows = (row("edgecnn", own), row("Torch-Pruning", 0.5), row("Torch-Pruning, inside blocks", 0.9))
    text = section(trained(*rows))
    assert f"- 50%: {own:.2%}, at least Torch-Pruning's best, 90.00%: {word}" in text


def test_without_a_result_of_the_peer_nothing_is_judged():
    failed = {"fraction": 0.5, "tool": "Torch-Pruning", "failed": "stopped after 240 s"}
    text = section(trained(row("edgecnn", 0.91), failed))
    assert "failed: stopped after 240 s" in text
    assert "hold" not in text.replace("held-out", "")


def test_a_foreign_file_shows_what_is_left_or_the_reason():
    rows = [
        {"library": "timm", "network": "a", "whole": 26e6, "kept": 0.5, "bytes": 2**20, "wall_s": 3.0},
        {"library": "timm", "network": "b", "failed": "node Loop is control flow"},
    ]
    text = section({"foreign": {**STAMP, "found": rows}})
    assert "| timm `a` | 26.00 M | 50.0% |" in text
    assert "| timm `b` | failed: node Loop is control flow |" in text


def test_the_published_result_is_measured_and_names_no_path():
    if not report.PRUNING.exists():
        pytest.skip("prune.json has not been measured yet")
    text = report.PRUNING.read_text()
    assert json.loads(text)["kind"] == "measured"
    assert '"/' not in text
