import json
import subprocess
import sys

import numpy as np
import pytest
from converters import PROGRAMS

from edgecnn.calls import parse_recipe
from edgecnn.export import tflite
from edgecnn.pipeline.network import open_network
from edgecnn.quantize import compress
from edgecnn.runtime.torch_runner import TorchRunner
from edgecnn.sample import sample_inputs

SHIFT = 0.5


@pytest.fixture(scope="module")
def examined(tmp_path_factory):
    """Examine a right file, twice, and a damaged one; what is expected of the last picture is shifted."""
    folder = tmp_path_factory.mktemp("prepared")
    network = open_network("lenet")
    images = sample_inputs(network.preprocessing, 0)
    outputs = TorchRunner(network.module)(images)
    outputs[-1] += SHIFT
    np.save(folder / "input.npy", images)
    np.save(folder / "output.npy", outputs)
    data = tflite.write(compress(network.graph, parse_recipe("fold"))[-1].after)
    (folder / "right.tflite").write_bytes(data)
    (folder / "damaged.tflite").write_bytes(data[: len(data) // 2])
    files = [folder / f"{name}.tflite" for name in ("right", "damaged", "right")]
    command = [sys.executable, PROGRAMS / "examine.py", folder, "7", *files]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return data, json.loads(done.stdout.splitlines()[-1])["files"]


def test_a_file_is_described(examined):
    data, (right, _, again) = examined
    assert right["bytes"] == len(data)
    assert right["operators"] == tflite.count_operators(data)
    assert right["input_shape"] == [1, 28, 28, 1]
    assert right["sha256"] == again["sha256"]


def test_every_file_runs_once_a_round(examined):
    _, (right, _, again) = examined
    assert [len(file["latency_s"]) for file in (right, again)] == [7, 7]


def test_the_error_is_the_largest_over_all_pictures(examined):
    _, (right, _, _) = examined
    assert right["max_abs_error"] == pytest.approx(SHIFT, abs=1e-4)


def test_a_file_that_litert_cannot_run_says_so(examined):
    _, (_, damaged, _) = examined
    assert damaged["failed"].startswith("LiteRT cannot run the file: ")
