import pytest
import torch

from edgecnn.sweeps.point import Latency, Point


@pytest.fixture(autouse=True, scope="module")
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def make_point(name, accuracy, mult_adds, latency_s=None, **given):
    latencies = () if latency_s is None else (Latency(
        device="host", kind="measured", median_s=latency_s, p90_s=latency_s, source="LiteRT"
    ),)  # fmt: skip
    given.setdefault("latencies", latencies)
    values = {
        "spec": "mobilenet(width=0.5)", "recipe": "fold", "precision": "fp32", "data": "digits",
        "metric": "top-1", "interval": (accuracy - 0.01, accuracy + 0.01), "n": 355, "parameters": 1000,
        "memory_bytes": 4096, "file_bytes": 10 * mult_adds,
        "commands": ("edgecnn train x", "edgecnn export x"),
    }  # fmt: skip
    return Point(name=name, accuracy=accuracy, mult_adds=mult_adds, **{**values, **given})


@pytest.fixture(scope="session")
def point():
    """Make a point by name, accuracy, mult-adds and latency."""
    return make_point
