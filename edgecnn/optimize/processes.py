"""Where a training runs: one process, or several that torchrun has started, on a CPU or a GPU.

Several processes share each step, and their gradients are averaged, weighted by their images: two with a
batch of 32 each take the steps of one with a batch of 64. BatchNorm normalizes by the images of its own
process, and the statistics that are kept are those of the first.
"""

import atexit
import os
from collections.abc import Callable
from typing import Any, Literal, TypeVar, get_args

import torch
from torch import Tensor, nn

from edgecnn.errors import EdgeCnnError

On = Literal["auto", "cpu", "cuda"]
T = TypeVar("T")

# Without it matrix products on a GPU differ from run to run; it has to be set before the first of them.
_DETERMINISTIC = ("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
_DTYPES = {"bf16": torch.bfloat16, "fp16": torch.float16}


class Processes:
    """One process on one device.

    Args:
        on: `cuda`, `cpu`, or `auto`: a GPU where there is one.
    """

    rank = 0
    count = 1

    def __init__(self, on: str = "cpu") -> None:
        self.device = torch.device(resolve(on))
        if self.device.type == "cuda":
            os.environ.setdefault(*_DETERMINISTIC)

    @property
    def first(self) -> bool:
        """Return whether this process is the one that writes and speaks."""
        return self.rank == 0

    def join(self, module: nn.Module) -> Callable[[Tensor], Any]:
        """Return the module as a function whose gradients are those of all processes."""
        return module

    def backward(self, loss: Tensor) -> None:
        """Add the gradients of the loss to the parameters'."""
        loss.backward()  # type: ignore[no-untyped-call]

    def sum(self, values: Tensor) -> Tensor:
        """Return the sum over all processes, the same in each."""
        return values

    def share(self, value: T) -> T:
        """Return the first process's value in every process; the others wait for it."""
        return value


class Torchrun(Processes):
    """One of several processes that torchrun has started, through lightning-fabric.

    Args:
        on: as for one process; each process of a machine takes the GPU of its number there.
    """

    def __init__(self, on: str = "cpu") -> None:
        super().__init__(on)
        try:
            from lightning_fabric import Fabric
        except ImportError:
            raise EdgeCnnError(
                'training over several processes needs lightning-fabric; run: pip install "edgecnn[train]"'
            ) from None
        here = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
        if self.device.type == "cuda" and here > torch.cuda.device_count():
            raise EdgeCnnError(
                f"there are {here} processes on this machine and {torch.cuda.device_count()} GPUs;"
                " start one for each GPU, or give --on cpu"
            )
        machines = int(os.environ["WORLD_SIZE"]) // here
        self._fabric = Fabric(accelerator=self.device.type, strategy="ddp", devices=here, num_nodes=machines)
        self._fabric.launch()
        atexit.register(_leave)
        self.device = self._fabric.device
        self.rank, self.count = self._fabric.global_rank, self._fabric.world_size

    def join(self, module: nn.Module) -> Callable[[Tensor], Any]:
        """Return the module as a function whose gradients are those of all processes."""
        return self._fabric.setup_module(module)

    def backward(self, loss: Tensor) -> None:
        """Add the gradients of the loss, averaged over all processes, to the parameters'."""
        self._fabric.backward(loss)

    def sum(self, values: Tensor) -> Tensor:
        """Return the sum over all processes, the same in each."""
        return self._fabric.all_reduce(values, reduce_op="sum")  # type: ignore[return-value]

    def share(self, value: T) -> T:
        """Return the first process's value in every process; the others wait for it."""
        return self._fabric.broadcast(value)


def _leave() -> None:
    """Close the connections before Python ends, which gloo's threads would otherwise abort now and then."""
    if torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()


def is_first() -> bool:
    """Return whether this process is to speak: it is alone, or the first that torchrun has started."""
    return not _among_others() or os.environ.get("RANK") == "0"


def processes(on: str = "auto") -> Processes:
    """Return where to train: among the processes that torchrun has started, or alone."""
    return Torchrun(on) if _among_others() else Processes(on)


def _among_others() -> bool:
    return "LOCAL_RANK" in os.environ and int(os.environ.get("WORLD_SIZE", "1")) > 1


def resolve(on: str) -> str:
    """Return `cpu` or `cuda` for `auto`, `cpu` or `cuda`; asking for a GPU where there is none raises."""
    if on not in get_args(On):
        raise EdgeCnnError(f"unknown device {on!r} to train on; allowed: {', '.join(get_args(On))}")
    there = torch.cuda.is_available()
    if on == "cuda" and not there:
        raise EdgeCnnError("torch finds no CUDA GPU on this machine; leave out --on cuda, or give --on cpu")
    return "cuda" if there and on != "cpu" else "cpu"


def autocast_dtype(precision: str, device: torch.device) -> torch.dtype | None:
    """Return the type in which convolutions compute, None for float32; refuse what the device lacks."""
    if precision == "fp32":
        return None
    if device.type != "cuda":
        raise EdgeCnnError(
            f"precision={precision} needs a CUDA GPU, and this training runs on the {device.type.upper()}"
        )
    if precision == "bf16" and not torch.cuda.is_bf16_supported(including_emulation=False):
        raise EdgeCnnError("this GPU does not compute in bf16; give --precision fp16")
    return _DTYPES[precision]
