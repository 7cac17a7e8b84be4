import contextlib
import io
import json
import re
import shutil
import subprocess
from typing import NamedTuple

import pytest

from edgecnn.cli import main


class Ran(NamedTuple):
    """What a command line did: its exit code, and what it wrote to stdout and stderr."""

    code: int
    out: str
    err: str

    @property
    def json(self):
        return json.loads(self.out)

    @property
    def complaint(self):
        """The sentence of a command that failed; it must be the only thing said besides progress."""
        *before, last = self.err.splitlines()
        assert self.code == 1, self
        assert self.out == ""
        assert last.startswith("edgecnn: error: ")
        assert all(re.fullmatch(r"\w+ \.\.\.|\w+ done|epoch .*", line) for line in before), self.err
        return last.removeprefix("edgecnn: error: ")


def run(*arguments):
    """Run a command line in this process: torch is imported once, not once for each command."""
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.argv", ["edgecnn", *map(str, arguments)])
        with (
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
            pytest.raises(SystemExit) as end,
        ):
            main()
    return Ran(end.value.code or 0, out.getvalue(), err.getvalue())


@contextlib.contextmanager
def one_thread():
    """Keep torch to one thread: with more, a busy machine takes a minute for a second's training."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(autouse=True, scope="module")
def _one_thread():
    with one_thread():
        yield


@pytest.fixture(scope="session")
def edgecnn():
    """A command line as a function: `edgecnn("list", "--json")` gives exit code, stdout and stderr."""
    return run


@pytest.fixture(scope="session")
def trained(tmp_path_factory):
    """A folder with a trained LeNet: `run`, and `bundle` for an ARM board."""
    folder = tmp_path_factory.mktemp("trained")
    with one_thread():
        assert run("train", "lenet", "--data", "digits", "--epochs", "1", "-o", folder / "run").code == 0
        assert run("export", folder / "run", "--target", "pi4", "-o", folder / "bundle").code == 0
    return folder


@pytest.fixture(scope="session")
def onnx(trained):
    return trained / "bundle" / "model.onnx"


@pytest.fixture
def mount(tmp_path):
    """Mount a file system of so many KiB at a new folder; skip where that is not permitted."""
    mounted = []

    def mounting(options):
        disk = tmp_path / f"disk{len(mounted)}"
        disk.mkdir()
        program = shutil.which("mount")
        command = [str(program), "-t", "tmpfs", "-o", options, "tmpfs", str(disk)]
        done = program and subprocess.run(command, capture_output=True, check=False)
        if not done or done.returncode:
            pytest.skip("mounting a tmpfs is not permitted here")
        mounted.append(disk)
        return disk

    yield mounting
    for disk in mounted:
        subprocess.run([str(shutil.which("umount")), str(disk)], check=True)


@pytest.fixture
def left():
    """Name everything below a folder, hidden files too."""
    return lambda folder: sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def _convolution(c_in, c_out):
    from torch import nn

    return nn.Sequential(nn.Conv2d(c_in, c_out, 3, padding=1), nn.ReLU())


@pytest.fixture(scope="session")
def tiny_networks():
    """A few micro-networks, instead of some three hundred: the number of stacks, and odd layers by name."""
    import torch
    from torch import nn

    from edgecnn.pipeline.micro_networks import Micro
    from edgecnn.pipeline.micro_singles import REFERENCE

    def made(stacks, odd=()):
        torch.manual_seed(0)
        alone = _convolution(8, 8).eval()
        yield Micro(name=f"{REFERENCE}-0", shape=(1, 8, 16, 16), module=alone, stack=False)
        for name, layer in odd:
            module = nn.Sequential(_convolution(8, 8), layer).eval()
            yield Micro(name=f"{name}-0", shape=(1, 8, 8, 8), module=module, stack=False)
        for place in range(stacks):
            wide, size = 8 * (place + 1), 12 + 4 * place
            head = (nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(wide, 10))
            module = nn.Sequential(_convolution(3, 8), _convolution(8, wide), *head).eval()
            yield Micro(name=f"stack-{place}", shape=(1, 3, size, size), module=module, stack=True)

    return made
