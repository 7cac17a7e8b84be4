"""`edgecnn device fit` of a GPU, a stand-in's, and what predicts from it."""

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from edgecnn.pipeline import fitting
from edgecnn.pipeline.fitting_ways import WAYS
from edgecnn.pipeline.micro_networks import Micro
from edgecnn.pipeline.micro_singles import REFERENCE

SITE = Path(__file__).parents[1] / "standins" / "site"
ORIN = {"gpu": "Orin", "sm": "8.7"}
STACKS = 6


def conv(c_in, c_out):
    return nn.Sequential(nn.Conv2d(c_in, c_out, 3, padding=1), nn.ReLU())


def tiny(_seed, _share, kinds):
    """Give a reference, a few small stacks, and one of each operator at which a stand-in may fail."""
    assert kinds is not None  # those of a GPU
    torch.manual_seed(0)
    yield Micro(name=f"{REFERENCE}-0", shape=(1, 8, 16, 16), module=conv(8, 8).eval(), stack=False)
    for name, odd in (("soft", nn.Softmax(1)), ("norm", nn.LocalResponseNorm(3)), ("pool", nn.MaxPool2d(2))):
        module = nn.Sequential(conv(8, 8), odd).eval()
        yield Micro(name=f"{name}-0", shape=(1, 8, 8, 8), module=module, stack=False)
    for place in range(STACKS):
        wide, size = 8 * (place + 1), 12 + 4 * place
        head = (nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(wide, 10))
        module = nn.Sequential(conv(3, 8), conv(8, wide), *head).eval()
        yield Micro(name=f"stack-{place}", shape=(1, 3, size, size), module=module, stack=True)


@pytest.fixture(scope="module")
def fit_gpu(edgecnn, tmp_path_factory):
    """Give a function that fits the stand-in of a GPU; its fits lie in a cache of this file's own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        patch.setenv("TMPDIR", str(tmp_path_factory.mktemp("board")))
        patch.setenv("PYTHONPATH", os.pathsep.join([str(SITE), os.environ.get("PYTHONPATH", "")]))
        patch.setattr(fitting, "micro_networks", tiny)
        patch.setattr(fitting, "PASSES", 1)
        quick = replace(WAYS["tensorrt"], pace=("--seconds", "0.01", "--warm", "0.01"))
        patch.setattr(fitting, "WAYS", {**WAYS, "tensorrt": quick})

        def run(*arguments, version="10.3.0", **board):
            with pytest.MonkeyPatch.context() as inner:
                inner.setenv("STANDIN_TENSORRT", version)
                inner.setenv("STANDIN_BOARD", json.dumps(ORIN | board))
                return edgecnn("device", "fit", "local", *arguments)

        yield run


@pytest.fixture(scope="module")
def fit(fit_gpu):
    """What it said of a board that builds not every network."""
    no_room = "Could not find any implementation for node soft"
    return fit_gpu("--as", "jetson-orin-nano", "--json", fails={"Softmax": no_room}, dies_at=["LRN"])


def test_every_precision_is_fitted_and_what_was_not_built_is_named(fit):
    assert fit.code == 0, fit.err
    for found, precision in zip(fit.json["fits"], ("fp32", "fp16", "int8"), strict=True):
        assert (found["target"], found["precision"], found["runs"]) == (
            "jetson-orin-nano",
            precision,
            "tensorrt",
        )
        assert (found["runtime"], found["gpu"], found["threads"]) == (
            "tensorrt 10.3.0", {"name": "Orin", "sm": "8.7"}, None,
        )  # fmt: skip
        assert (found["networks"], len(found["errors"])) == (2 + STACKS, STACKS)
        assert sorted(found["left_out"]) == [f"{name}-0.{precision}.onnx" for name in ("norm", "soft")]
        assert "Could not find any implementation" in found["left_out"][f"soft-0.{precision}.onnx"]
        assert "ended with signal 9" in found["left_out"][f"norm-0.{precision}.onnx"]
    assert "note: soft-0.fp32.onnx is left out, which local could not run: TensorRT built no" in fit.err
    assert "build, then time 30 micro-networks on local ..." in fit.err
    assert "30/30" in fit.err  # of the building
    assert "24/24" in fit.err  # of the timing, in one pass


def test_nothing_is_left_on_the_device(fit):
    assert list(Path(os.environ["TMPDIR"]).iterdir()) == []
