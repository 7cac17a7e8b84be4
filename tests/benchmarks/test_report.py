import json

import pytest
from convert_report import section
from report import CONVERSION, README, latency_ratio, ratio, readme, to_text

OWN = {
    "converter": "edgecnn",
    "wall_s": [2.0, 9.0, 2.5],
    "cpu_s": [2.0, 2.0, 2.0],
    "peak_bytes": [100 * 2**20] * 3,
    "bytes": 1024,
    "sha256": "aa",
    "operators": {"CONV_2D": 3},
    "max_abs_error": 1e-6,
    "latency_s": [0.010, 0.030, 0.020],
}
PEER = {
    **OWN,
    "converter": "litert-torch",
    "wall_s": [10.0, 10.0, 80.0],
    "peak_bytes": [250 * 2**20] * 3,
    "sha256": "bb",
    "operators": {"CONV_2D": 3, "TRANSPOSE": 1},
    "latency_s": [0.011, 0.033, 0.040],
}
EXPORT = {**OWN, "converter": "edgecnn export"}
QUICK = [0.005, 0.015, 0.010]
FAILED = {"converter": "onnx2tf", "failed": "exit 1: a | b"}


def result(*rows) -> dict:
    machine = {
        "cpu": "A CPU", "cores": 2, "memory_bytes": 2**34, "system": "Linux x86_64", "python": "3.11.7",
        "load_before": 0.1, "load_after": 1.0,
    }  # fmt: skip
    return {
        "date": "2026-01-01",
        "machine": machine,
        "settings": {"runs": 3, "latency_rounds": 3},
        "converters": [{"name": "edgecnn", "call": "how", "versions": {"torch": "2.13.0"}}],
        "networks": [{"name": "lenet", "spec": "lenet", "output_range": 2.0, "rows": list(rows)}],
    }


def cells(text: str, converter: str) -> list[str]:
    line = next(line for line in text.splitlines() if line.startswith(f"| {converter} |"))
    return [cell.strip() for cell in line.strip("|").split(" | ")]


def test_a_ratio_is_of_medians():
    assert ratio(PEER, OWN, "wall_s") == 10.0 / 2.5
    assert ratio(PEER, OWN, "peak_bytes") == 250 / 100


def test_a_ratio_to_what_failed_is_none():
    assert ratio(PEER, FAILED, "wall_s") is None
    assert latency_ratio(FAILED, OWN) is None


def test_latencies_are_divided_round_by_round():
    assert latency_ratio(PEER, OWN) == pytest.approx(0.011 / 0.010)  # of 1.1, 1.1, 2.0


def test_a_row_says_what_was_measured():
    text = section(result(OWN, PEER))
    assert cells(text, "litert-torch") == [
        "litert-torch", "10.00 s", "4.00", "2.00 s", "250.00 MiB", "2.50",
        "1.00 KiB", "4", "1", "33.00 ms", "1.100", "1.0e-06",
    ]  # fmt: skip


def test_the_text_says_measured_and_where():
    text = section(result(OWN))
    assert "Measured on 2026-01-01 on A CPU, 2 cores, 16.00 GiB" in text
    assert "torch 2.13.0" in text


def test_a_failed_peer_is_a_row_with_its_reason():
    text = section(result(OWN, FAILED))
    assert "| onnx2tf | failed: exit 1: a \\| b | -" in text


def test_a_conversion_to_onnx_has_no_figures_of_a_file():
    step = {key: OWN[key] for key in ("wall_s", "cpu_s", "peak_bytes")} | {"converter": "torch.onnx.export"}
    assert cells(section(result(OWN, step)), "torch.onnx.export")[6:] == ["-"] * 6


@pytest.mark.parametrize(
    ("own", "peer", "expected"),
    [
        (OWN, PEER, "4.0 times faster than litert-torch (at least 3: holds)"),
        (OWN, {**PEER, "wall_s": [5.0]}, "2.0 times faster than litert-torch (at least 3: does not hold)"),
        (OWN, {**PEER, "latency_s": QUICK}, "latency 2.000 of litert-torch's (at most 1.02: does not hold)"),
        (OWN, PEER, "0 TRANSPOSE (0: holds)"),
        ({**OWN, "operators": {"TRANSPOSE": 2}}, PEER, "2 TRANSPOSE (0: does not hold)"),
    ],
    ids=["faster", "not fast enough", "slower file", "no transpose", "transposes"],
)  # fmt: skip
def test_expectations_can_fail(own, peer, expected):
    assert expected in section(result(own, peer))


def test_same_bytes_are_told_only_where_they_are():
    told = "`edgecnn export` gives the same bytes"
    assert told in section(result(OWN, EXPORT)).replace("Where " + told, "")
    assert told not in section(result(OWN, {**EXPORT, "sha256": "cc"})).replace("Where " + told, "")


def test_samples_are_on_one_line_and_nothing_is_lost():
    written = to_text(result(OWN, PEER))
    assert json.loads(written) == result(OWN, PEER)
    assert '"wall_s": [ 2.0, 9.0, 2.5 ]' in written


def test_the_published_result_has_every_expected_row():
    if not CONVERSION.exists():
        pytest.skip(f"{CONVERSION.name} has not been measured yet")
    published = json.loads(CONVERSION.read_text())
    assert published["kind"] == "measured"
    names = {each["name"] for each in published["converters"]}
    for network in published["networks"]:
        assert {row["converter"] for row in network["rows"]} == names


def test_the_readme_is_made_from_the_published_results():
    if not README.exists():
        pytest.skip("no benchmark has been measured yet")
    assert README.read_text() == readme()
