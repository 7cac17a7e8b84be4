"""Which networks edgecnn and Torch-Pruning can halve, and what edgecnn leaves is good for.

Torch-Pruning runs in an environment of its own, a process for each network.
"""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx_ir as ir
import torch
from converters import PROGRAMS
from environments import pinned
from processes import measure

from edgecnn.errors import EdgeCnnError
from edgecnn.export import tflite
from edgecnn.graph.check import check
from edgecnn.models import ARCHITECTURES
from edgecnn.pipeline.network import open_network
from edgecnn.profile import profile
from edgecnn.quantize.fold import fold
from edgecnn.quantize.prune import prune
from edgecnn.runtime.litert_runner import LitertRunner
from edgecnn.runtime.onnx_runner import OnnxRunner
from edgecnn.sample import sample_inputs
from edgecnn.trainable import to_graph, to_module

ENVIRONMENT, PEER = "torch-pruning", "Torch-Pruning"
REQUIREMENTS = (
    pinned("torch"), "torchvision", "timm", "torch-pruning==1.6.1", pinned("onnx"), pinned("onnxscript"),
    pinned("safetensors"),
)  # fmt: skip
PACKAGES = ("torch", "torch-pruning", "timm", "torchvision", "onnxscript")
HALF = 0.5
FRACTIONS = (0.75, HALF, 0.25)  # at which what edgecnn leaves has to run, compile and train

Row = dict[str, Any]
Tell = Callable[[str], None]
PATHS = {"PYTHONPATH": f"{Path(__file__).parents[1]}:{PROGRAMS}", "OMP_NUM_THREADS": "1"}
_CLOSE = 1e-4  # of the response
_LONGEST_S = 900.0


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


def reach(names: Sequence[str], python: Path, tell: Tell, peers: Mapping[str, Row]) -> list[Row]:
    """Return for each network what each tool leaves of its mult-adds, or why it failed.

    Args:
        names: of the zoo.
        python: of the peer's environment.
        tell: called with a line for each network.
        peers: what was found of the peer before, by network; it is not run again for these.
    """
    rows = []
    for name in names:
        spec = small(name)
        peer = peers.get(name) or _peer(spec, python)
        rows.append({"network": name, "spec": spec, "edgecnn": _own(spec), "peer": peer})
        told = (f"{who} {words(rows[-1][who])}" for who in ("edgecnn", "peer"))
        tell(f"{name}: {', '.join(told)}")
    return rows


def words(row: Row) -> str:
    """Return what is said of a row while it is measured."""
    return str(row.get("failed") or f"{row['kept']:.1%}")


def _own(spec: str) -> Row:
    network = open_network(spec)
    whole, left, took = profile(network.graph).mult_adds, {}, {}
    for fraction in FRACTIONS:
        start_s = time.perf_counter()
        try:
            model = prune(network.graph, mult_adds=fraction).model
            took[fraction] = time.perf_counter() - start_s
            reason = _wrong(model, sample_inputs(network.preprocessing, 1)[:2])
        except EdgeCnnError as error:
            reason = str(error)
        if reason:
            return {"failed": f"at {fraction:.0%}: {reason}"}
        left[fraction] = profile(model).mult_adds / whole
    return {"kept": left[HALF], "prune_s": took[HALF], "each": list(left.values())}


def _wrong(model: ir.Model, images: np.ndarray) -> str:
    """Return what is wrong with a pruned graph: it is checked, run, compiled, and trained for one step."""
    check(model)
    scores = OnnxRunner(model)(images)
    if not np.isfinite(scores).all():
        return "the result gives no numbers"
    compiled = LitertRunner(tflite.write(fold(model).model))(images)
    if np.abs(compiled - scores).max() > _CLOSE * np.abs(scores).max():
        return f"the .tflite differs by {np.abs(compiled - scores).max():.1e}"
    module = to_module(model).train()
    optimizer = torch.optim.SGD(module.parameters(), 1e-3)
    module(torch.from_numpy(images)).square().mean().backward()
    optimizer.step()
    trained = to_graph(module)
    check(trained)
    return "" if profile(trained).mult_adds == profile(model).mult_adds else "training changed its size"


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
