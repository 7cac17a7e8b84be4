import importlib.util
import os
import runpy
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from edgecnn.errors import EdgeCnnError
from edgecnn.optimize.processes import Processes, autocast_dtype, is_first, processes, resolve

PROGRAM = Path(__file__).with_name("two_processes.py")


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Train with a batch of 16 in each of two processes: what each has in the end."""
    if importlib.util.find_spec("lightning_fabric") is None:
        pytest.skip("the extra `train` is not installed")
    folder = tmp_path_factory.mktemp("processes")
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    torchrun = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    command = [sys.executable, *torchrun, str(PROGRAM), str(folder)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return [torch.load(folder / f"{rank}.pt", weights_only=True) for rank in (0, 1)]


@pytest.fixture(scope="module")
def alone():
    """Train with a batch of 32 in this process."""
    scope = runpy.run_path(str(PROGRAM), run_name="two_processes")
    return scope["train"](Processes("cpu"), 32)


@pytest.mark.xdist_group("processes")
def test_two_processes_are_one_with_twice_the_batch(trained, alone):
    for name, value in alone["weights"].items():
        assert torch.equal(trained[0]["weights"][name], trained[1]["weights"][name])
        torch.testing.assert_close(trained[0]["weights"][name], value, rtol=1e-5, atol=1e-6)
    assert trained[0]["losses"] == pytest.approx(alone["losses"], rel=1e-5)
    assert trained[0]["right"] == pytest.approx(alone["right"])


@pytest.mark.xdist_group("processes")
def test_the_first_alone_keeps_and_speaks(trained):
    assert [each["calls"] for each in trained] == [[3, 3], [0, 0]]
    assert [each["shared"] for each in trained] == [0, 0]


def test_alone_lightning_is_not_needed(alone):
    assert alone["calls"] == [3, 3]
    assert sys.modules.get("lightning_fabric") is None


def test_without_lightning_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "lightning_fabric", None)
    for name, value in {"WORLD_SIZE": "2", "LOCAL_RANK": "1", "RANK": "1"}.items():
        monkeypatch.setenv(name, value)
    assert not is_first()
    with pytest.raises(EdgeCnnError, match=r'pip install "edgecnn\[train\]"'):
        processes("cpu")


def test_a_gpu_that_is_not_there_is_refused(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert resolve("auto") == resolve("cpu") == "cpu"
    with pytest.raises(EdgeCnnError, match="no CUDA GPU on this machine; leave out --on cuda"):
        resolve("cuda")


def test_a_gpu_is_taken_where_there_is_one(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert (resolve("auto"), resolve("cuda"), resolve("cpu")) == ("cuda", "cuda", "cpu")


def test_an_unknown_device_is_answered_with_those_there_are():
    with pytest.raises(EdgeCnnError, match="unknown device 'gpu' to train on; allowed: auto, cpu, cuda"):
        resolve("gpu")


@pytest.mark.parametrize(
    ("precision", "dtype"), [("fp32", None), ("bf16", torch.bfloat16), ("fp16", torch.float16)]
)
def test_a_gpu_computes_in_the_precision_that_is_asked_for(monkeypatch, precision, dtype):
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda **_given: True)
    assert autocast_dtype(precision, torch.device("cuda")) == dtype


def test_a_gpu_without_bf16_is_refused_for_it(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda **_given: False)
    with pytest.raises(EdgeCnnError, match="does not compute in bf16; give --precision fp16"):
        autocast_dtype("bf16", torch.device("cuda"))
