"""Our median latency beside that of LiteRT's own benchmark tool, on the same files, in turns.

    python benchmarks/latency.py [--rounds 7] [--runs 100] [--json FILE]

Each turn is a process: `edgecnn bench` with one round, or
`python -m ai_edge_litert.tools.benchmark_litert_model --num_threads=1`. Without --json the result is
written to results/latency.json, and README.md anew from it.
"""

import argparse
import datetime as dt
import json
import random
import sys
import tempfile
from pathlib import Path
from typing import Any

import machine
from command import main, publish, tell
from environments import versions
from latency_report import tool_section
from processes import measure
from report import LATENCY

import edgecnn
from edgecnn.errors import EdgeCnnError

# name: network, and whether it is quantized
NETWORKS = {
    "mobilenet-1.0-224": ("mobilenet", False),
    "mobilenet-1.0-224-int8": ("mobilenet", True),
    "mobilenet-0.5-160": ("mobilenet(width=0.5, res=160)", False),
    "mobilenet-0.5-160-int8": ("mobilenet(width=0.5, res=160)", True),
}
WARMUP = 50
_TOOL = "ai_edge_litert.tools.benchmark_litert_model"


def compare(given: argparse.Namespace, work: Path) -> dict[str, Any]:
    """Return the whole result."""
    bundles = {}
    for name, (model, is_int8) in NETWORKS.items():
        int8 = edgecnn.Quantization(int8=True, calibrate="shapes") if is_int8 else None
        bundles[name] = edgecnn.deploy(model, "arm", out=work / name, quantization=int8).path
    before, draw = machine.load(), random.Random(0)  # noqa: S311  an order, not a secret
    medians: dict[str, dict[str, list[float]]] = {name: {"edgecnn": [], "litert": []} for name in bundles}
    turns = [(name, who) for name in bundles for who in ("edgecnn", "litert")]
    for number in range(given.rounds):
        for name, who in draw.sample(turns, len(turns)):
            one = _ours if who == "edgecnn" else _theirs
            medians[name][who].append(one(Path(bundles[name]), given.runs, work))
        tell(f"round {number + 1} of {given.rounds}")
    return {
        "kind": "measured",
        "date": dt.datetime.now(dt.UTC).date().isoformat(),
        "machine": {**machine.describe(), "load_before": before, "load_after": machine.load()},
        "versions": versions(Path(sys.executable), ("ai-edge-litert", "numpy")),
        "settings": {"rounds": given.rounds, "runs": given.runs},
        "rows": [{"name": name, **each} for name, each in medians.items()],
    }


def _ours(bundle: Path, runs: int, _work: Path) -> float:
    (found,) = edgecnn.measure([bundle], runs=runs, rounds=1)
    return found.median_s


def _theirs(bundle: Path, runs: int, work: Path) -> float:
    result = work / "tool.json"
    words = [sys.executable, "-m", _TOOL, f"--model={bundle / 'model.tflite'}", "--num_threads=1"]
    done = measure([*words, f"--num_runs={runs}", f"--warmup_runs={WARMUP}", f"--result_json={result}"])
    if done.exit_code:
        raise EdgeCnnError(f"{_TOOL}: {done.reason()}")
    return float(json.loads(result.read_text())["latency"]["median_ms"]) / 1e3


def run(arguments: list[str]) -> None:
    """Compare, and publish the result."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--rounds", type=int, default=7, help="turns of each; default: %(default)s")
    parser.add_argument("--runs", type=int, default=100, help="inferences in each; default: %(default)s")
    parser.add_argument("--json", type=Path, metavar="FILE", help="where the result goes instead")
    given = parser.parse_args(arguments)
    if given.rounds < 1 or given.runs < 1:
        raise EdgeCnnError("--rounds and --runs are at least 1")
    with tempfile.TemporaryDirectory(prefix="edgecnn-latency-") as work:
        result = compare(given, Path(work))
    publish(result, LATENCY, given.json, tool_section)


if __name__ == "__main__":
    sys.exit(main(run))
