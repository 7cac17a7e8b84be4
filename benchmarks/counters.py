"""The counters that `profilers.py` compares."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
PROGRAM = Path(__file__).parent / "programs" / "count.py"
REFERENCE = "reference"  # the papers' formula, added up over the layers by hooks


@dataclass(frozen=True, kw_only=True)
class Counter:
    """One counter.

    Attributes:
        name: in the tables.
        call: what a user of it calls.
        peer: its environment; None for edgecnn's own.
        requires: what is installed there beside torch.
        adds: what it adds to the mult-adds, or counts differently, as its source has it.
    """

    name: str
    call: str
    peer: str | None = None
    requires: tuple[str, ...] = ()
    adds: str = ""

    @property
    def packages(self) -> tuple[str, ...]:
        """The packages whose versions are shown."""
        return (*self.requires, "torch") if self.peer else ("edgecnn", "torch")


COUNTERS = (
    Counter(name="edgecnn", call="`edgecnn profile NAME --json`"),
    Counter(
        name="fvcore",
        call="`FlopCountAnalysis(module, image).total()`",
        peer="fvcore",
        requires=("fvcore",),
        adds="BatchNorm as 1 or 2 per element, adaptive pooling",
    ),
    Counter(
        name="thop",
        call="`profile(module, inputs=(image,))`",
        peer="thop",
        requires=("thop",),
        adds="BatchNorm as 2 or 4 per element, pooling, softmax; transposed convolutions by output pixel",
    ),
    Counter(
        name="ptflops (pytorch)",
        call='`get_model_complexity_info(..., backend="pytorch")`',
        peer="ptflops",
        requires=("ptflops",),
        adds="biases, BatchNorm, activations, pooling",
    ),
    Counter(
        name="ptflops (aten)",
        call='`get_model_complexity_info(..., backend="aten")`',
        peer="ptflops",
        requires=("ptflops",),
        adds="biases",
    ),
    Counter(
        name="torchinfo",
        call="`summary(module, input_size).total_mult_adds`",
        peer="torchinfo",
        requires=("torchinfo",),
        adds="every parameter of a layer for each output position: biases, BatchNorm's; transposed"
        " convolutions by output pixel",
    ),
    Counter(
        name="torch.utils.flop_counter",
        call="`FlopCounterMode().get_total_flops()`, halved",
        peer="torch",
        adds="nothing; twice as much before it is halved",
    ),
)
PEERS = tuple(dict.fromkeys(counter.peer for counter in COUNTERS if counter.peer))


def command(counter: str, python: Path, networks: Sequence[str]) -> list[str | Path]:
    """Return the command that counts networks with a counter of `programs/count.py`."""
    return [python, PROGRAM, counter, *networks]


def own_command(network: str) -> list[str | Path]:
    """Return edgecnn's command for one network."""
    return [Path(sys.executable).parent / "edgecnn", "profile", network, "--json"]
