import pytest
from quantizers import PEERS, QUANTIZERS, networks
from quantizers_report import section

OWN = {
    "quantizer": "edgecnn: int8 | correct_bias",
    "wall_s": 2.0,
    "cpu_s": 3.0,
    "peak_bytes": 200 * 2**20,
    "top1": 0.915,
    "agreement": 0.994,
    "sqnr_db": 30.31,
    "bytes": 300 * 2**10,
    "latency_s": [0.010, 0.020, 0.030],
}
PEER = {**OWN, "quantizer": "ai-edge-quantizer: a", "agreement": 0.987, "latency_s": [0.011, 0.022, 0.060]}
ONNX = {
    key: value
    for key, value in {**OWN, "quantizer": "NNCF: b", "agreement": 0.99}.items()
    if key != "latency_s"
}
FAILED = {"quantizer": "ModelOpt: c", "failed": "exit 1: a | b"}


def result(*rows) -> dict:
    machine = {
        "cpu": "A CPU", "cores": 2, "memory_bytes": 2**34, "system": "Linux x86_64", "python": "3.11.7",
        "load_before": 0.1, "load_after": 1.0,
    }  # fmt: skip
    table = {"name": "resnet20", "n": 1000, "float_top1": 0.915, "float_bytes": 2**20, "rows": list(rows)}
    return {
        "date": "2026-01-01",
        "machine": machine,
        "settings": {"pictures": 200, "latency_rounds": 3},
        "quantizers": [{"name": "edgecnn: int8", "environment": "", "versions": {"edgecnn": "0.1.0"}}],
        "networks": [table],
    }


def test_a_row_says_what_was_measured():
    (line,) = [line for line in section(result(OWN)).splitlines() if line.startswith("| edgecnn")]
    assert line == (
        "| edgecnn: int8 \\| correct_bias | 91.50% | 99.40% | 30.3 dB | 2.00 s | 3.00 s | 200.00 MiB"
        " | 300.00 KiB | 20.00 ms |"
    )


def test_a_failed_peer_is_a_row_with_its_reason():
    assert "| ModelOpt: c | failed: exit 1: a \\| b | - |" in section(result(OWN, FAILED))


def test_the_best_recipe_is_compared_with_the_best_peer_and_the_latency_in_the_same_runtime():
    text = section(result(OWN, PEER, ONNX))
    assert "agrees on 99.40%, the best peer, NNCF: b, on 99.00% (at most 0.5 points behind: holds)" in text
    assert "latency 0.909 of ai-edge-quantizer: a's (at most 1.02: holds)" in text  # of 1/1.1, 1/1.1, 1/2


def test_what_falls_behind_is_said():
    text = section(result({**OWN, "agreement": 0.98}, ONNX))
    assert "(at most 0.5 points behind: does not hold)" in text


def test_every_quantizer_has_a_name_of_its_own_and_a_program():
    from converters import PROGRAMS

    assert len({each.name for each in QUANTIZERS}) == len(QUANTIZERS)
    assert all((PROGRAMS / each.program).is_file() for each in QUANTIZERS)
    assert set(PEERS) == {each.environment for each in QUANTIZERS} - {""}


@pytest.mark.parametrize(
    ("cifar", "run", "names"), [("c", None, ["resnet20", "resnet56"]), (None, "r", ["r"])]
)
def test_the_networks_are_those_of_the_folders_given(tmp_path, cifar, run, names):
    folders = [None if name is None else tmp_path / name for name in (cifar, run)]
    assert list(networks(*folders, "digits")) == names
