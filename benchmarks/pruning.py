"""Which networks edgecnn and Torch-Pruning can halve.

Torch-Pruning runs in an environment of its own, a process for each network.
"""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from converters import PROGRAMS
from environments import pinned
from processes import measure

from edgecnn.errors import EdgeCnnError
from edgecnn.graph.check import check
from edgecnn.models import ARCHITECTURES
from edgecnn.pipeline.network import open_network
from edgecnn.profile import profile
from edgecnn.quantize.prune import prune
from edgecnn.runtime.onnx_runner import OnnxRunner
from edgecnn.sample import sample_inputs

ENVIRONMENT, PEER = "torch-pruning", "Torch-Pruning"
REQUIREMENTS = (
    pinned("torch"), "torchvision", "timm", "torch-pruning==1.6.1", pinned("onnx"), pinned("onnxscript"),
    pinned("safetensors"),
)  # fmt: skip
PACKAGES = ("torch", "torch-pruning", "timm", "torchvision", "onnxscript")
HALF = 0.5

Row = dict[str, Any]
Tell = Callable[[str], None]
PATHS = {"PYTHONPATH": f"{Path(__file__).parents[1]}:{PROGRAMS}", "OMP_NUM_THREADS": "1"}
_LONGEST_S = 240.0


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How much is measured.

    Attributes:
        pictures: at most so many to train and to measure on; 0 for all.
        epochs: instead of the networks' own; 0 for those.
        on: where distillation runs.
        rounds: of latency.
    """

    pictures: int
    epochs: int
    on: str
    rounds: int


def small(name: str) -> str:
    """Return the spec of a network at the size at which it is tried: narrow, with few pixels."""
    entry = ARCHITECTURES[name]
    if name == "lenet":  # at a quarter of its width two maps are left
        return name
    width = "width=0.25, " if "width" in entry.defaults else ""
    return f"{name}({width}res={entry.contract_res})"


def reach(names: Sequence[str], python: Path, tell: Tell) -> list[Row]:
    """Return for each network what each tool leaves of its mult-adds, or why it failed."""
    rows = []
    for name in names:
        spec = small(name)
        rows.append({"network": name, "spec": spec, "edgecnn": _own(spec), "peer": _peer(spec, python)})
        told = (f"{who} {words(rows[-1][who])}" for who in ("edgecnn", "peer"))
        tell(f"{name}: {', '.join(told)}")
    return rows


def words(row: Row) -> str:
    """Return what is said of a row while it is measured."""
    return str(row.get("failed") or f"{row['kept']:.1%}")


def _own(spec: str) -> Row:
    network = open_network(spec)
    start_s = time.perf_counter()
    try:
        model = prune(network.graph, mult_adds=HALF).model
    except EdgeCnnError as error:
        return {"failed": str(error)}
    took_s = time.perf_counter() - start_s
    check(model)
    if not np.isfinite(OnnxRunner(model)(sample_inputs(network.preprocessing, 1))).all():
        return {"failed": "the result gives no numbers"}
    return {"kept": profile(model).mult_adds / profile(network.graph).mult_adds, "prune_s": took_s}


def _peer(spec: str, python: Path) -> Row:
    found = torch_pruning(python, spec, HALF)
    if "failed" in found:
        return found
    kept = found["mult_adds"] / found["whole"]
    if kept > HALF:
        return {"failed": f"stops at {kept:.1%} of the mult-adds"}
    return {"kept": kept, "prune_s": found["prune_s"]}


def torch_pruning(
    python: Path,
    spec: str,
    fraction: float,
    *,
    weights: str = "",
    multiple: int = 0,
    left: str = "",
    out: str = "",
) -> Row:
    """Return what the program prints, or why it failed."""
    program = PROGRAMS / "torch_pruning_to_onnx.py"
    command = [python, program, spec, weights, str(fraction), str(multiple), left, out]
    done = measure(command, variables=PATHS, timeout_s=_LONGEST_S)
    if done.exit_code or done.timed_out:
        return {"failed": done.reason()}
    found: Row = json.loads(done.output.splitlines()[-1])
    return found
