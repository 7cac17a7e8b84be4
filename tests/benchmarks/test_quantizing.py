import pytest
from quantizing import Settings, _joined, added

from edgecnn.errors import EdgeCnnError

FIGURES = {"quantizer": "a", "wall_s": 1.0, "cpu_s": 1.0, "peak_bytes": 5, "top1": 0.9, "sqnr_db": 30.0}


def test_what_the_draws_gave_is_a_list_and_the_latency_that_of_the_first():
    rows = [{**FIGURES, "agreement": 0.99, "latency_s": [0.1]}, {**FIGURES, "agreement": 0.98}]
    found = _joined(rows)
    assert (found["agreement"], found["wall_s"]) == ([0.99, 0.98], [1.0, 1.0])
    assert (found["quantizer"], found["latency_s"]) == ("a", [0.1])


def test_a_quantizer_that_failed_on_one_draw_failed():
    failed = {"quantizer": "a", "failed": "exit 1"}
    assert _joined([{**FIGURES, "agreement": 0.99}, failed]) == failed


def test_no_draw_is_refused():
    with pytest.raises(EdgeCnnError, match="--draws is 0; give at least 1"):
        Settings(pictures=200, draws=0, rounds=0)


def test_a_network_is_added_to_a_published_result_of_the_same_settings_alone():
    old = {"settings": {"pictures": 200}, "quantizers": [], "networks": [{"name": "resnet20", "n": 1}]}
    new = {**old, "networks": [{"name": "resnet20", "n": 2}, {"name": "mobilenet", "n": 3}]}
    assert [(network["name"], network["n"]) for network in added(old, new)["networks"]] == [
        ("resnet20", 2),
        ("mobilenet", 3),
    ]
    assert added(new, {**old, "networks": new["networks"][1:]})["networks"] == new["networks"]
    with pytest.raises(EdgeCnnError, match="has other settings"):
        added({**old, "settings": {"pictures": 9}}, new)
