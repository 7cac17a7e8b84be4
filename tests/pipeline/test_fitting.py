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


def test_a_device_that_runs_no_litert_and_one_that_is_emulated_are_refused():
    with pytest.raises(EdgeCnnError, match="jetson-nano does not run LiteRT"):
        edgecnn.fit_device("ssh://nobody@nowhere", target="jetson-nano")
    with pytest.raises(EdgeCnnError, match="precision"):
        edgecnn.fit_device("local", precisions=["fp64"])


def test_a_device_that_was_never_fitted_is_said_with_the_command(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(EdgeCnnError, match="edgecnn device fit ssh://pi@board --threads 1"):
        edgecnn.predict("lenet", "ssh://pi@board")
    assert edgecnn.predict("lenet", "jetson-nano").latency_s > 0
