"""Micro-networks are the same for a seed, and a fit of this machine predicts what was fitted."""

import pytest
import torch

import edgecnn
from edgecnn.errors import EdgeCnnError
from edgecnn.pipeline import micro_networks as module
from edgecnn.pipeline.micro_networks import micro_networks
from edgecnn.pipeline.micro_singles import SINGLES


def test_a_seed_gives_the_same_micro_networks(monkeypatch):
    monkeypatch.setattr(module, "SINGLES", {"conv3": SINGLES["conv3"]})
    one, other = ({each.name: each for each in micro_networks(3, 0.02)} for _ in range(2))
    assert list(one) == list(other)
    for name in ("conv3-0", "stack-0"):
        assert one[name].shape == other[name].shape
        image = torch.ones(one[name].shape)
        assert torch.equal(one[name].module(image), other[name].module(image))


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"target": "cortex-m7"}, "cortex-m7 does not run LiteRT or TensorRT"),
        ({"target": "jetson"}, "jetson is a family, whose boards differ; name the one .* jetson-orin-nano"),
        ({"precisions": ["fp64"]}, "'fp64' is no precision that a device that runs LiteRT"),
        ({"target": "pi4", "precisions": ["fp16"]}, "give fp32 or int8"),
        (
            {"target": "jetson-nano", "precisions": ["int8"]},
            "jetson-nano can be fitted in; give fp32 or fp16",
        ),
        ({"target": "jetson-nano", "threads": 2}, "on the GPU, and not on CPU threads; leave --threads out"),
    ],
    ids=["no runtime", "a family", "no precision", "of another", "without arithmetic", "threads"],
)
def test_what_cannot_be_fitted_is_refused_before_any_work(asked, said):
    with pytest.raises(EdgeCnnError, match=said):
        edgecnn.fit_device("ssh://nobody@nowhere", **asked)


def test_an_emulated_board_is_refused_though_no_emulator_is_there(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(EdgeCnnError, match="its times say nothing about the board"):
        edgecnn.fit_device("emulated:pi4")


def test_a_device_that_was_never_fitted_is_said_with_the_command(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(EdgeCnnError, match="edgecnn device fit ssh://pi@board --threads 1"):
        edgecnn.predict("lenet", "ssh://pi@board")
    assert edgecnn.predict("lenet", "jetson-nano").latency_s > 0
