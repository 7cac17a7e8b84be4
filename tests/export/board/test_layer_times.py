"""layer_times.py: how long each layer of an engine takes, in inferences besides those that are timed."""

from pathlib import Path

import pytest

VERSIONS = sorted(path.stem for path in (Path(__file__).parents[2] / "standins/tensorrt_api").glob("*.json"))


@pytest.mark.parametrize("version", VERSIONS)
def test_every_version_tells_the_layers_after_the_timed_inferences(jetson_bundle, jetson, version):
    board = jetson(version).board
    jetson_bundle.build("--precision", "fp16")
    found = jetson_bundle.run("bench", "--runs", "3", "--warmup", "1", "--json").json
    assert len(found["times_s"]) == 3
    assert board.profiled == 10, "no timed inference is slowed by the profiler"
    # The stand-in's layers take 1, 2 and 3 ms, and five times that in the first inference.
    assert [(each["layer"].split(" ")[0], each["median_s"]) for each in found["layers"]] == [
        ("Reformatting", pytest.approx(1e-3)),
        ("conv", pytest.approx(2e-3)),
        ("fc", pytest.approx(3e-3)),
    ]


def test_the_slowest_are_printed(jetson_bundle, jetson):
    jetson()
    jetson_bundle.build()
    lines = jetson_bundle.run("bench", "--runs", "2", "--warmup", "1").out.splitlines()
    shown = [line.split()[0::2][:1] + line.split()[2:3] for line in lines if "profiled" in line]
    assert shown == [["3.000", "fc"], ["2.000", "conv"], ["1.000", "Reformatting"]]


def test_a_layer_that_is_reported_in_parts_is_summed_up(empty_bundle, jetson):
    profiler = empty_bundle.script("layer_times").make_profiler(jetson().tensorrt)
    profiler.inferences.append({})
    for ms in (0.25, 0.5):
        profiler.report_layer_time("conv", ms)
    assert profiler.inferences == [{"conv": pytest.approx(0.00075)}]
