"""Calibration: seconds and peak memory, edgecnn beside ONNX Runtime, in one run.

    python benchmarks/calibrate.py [--network MODEL] [--runs 3] [--pictures 100,400] [--json FILE]

Each calibration is a process; the two take turns. Times are of the calibration alone, without imports.
Without --json the result is written to results/calibrate.json, and README.md anew from it.
"""

import argparse
import datetime as dt
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import machine
from calibrate_report import section
from command import main, publish, tell
from environments import versions
from processes import measure
from report import CALIBRATION

from edgecnn.errors import EdgeCnnError
from edgecnn.graph.save import to_bytes
from edgecnn.pipeline.network import open_network
from edgecnn.quantize.fold import fold

TOOLS = ("edgecnn", "onnxruntime")
OBSERVERS = ("minmax", "percentile", "entropy")
NETWORK = "mobilenet(width=0.5, res=128)"
_PROGRAMS = Path(__file__).parent / "programs"
_PACKAGES = ("numpy", "onnxruntime")


def parse(arguments: list[str]) -> argparse.Namespace:
    """Return what the command line asks for; raise `EdgeCnnError` for what cannot be."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--network", default=NETWORK, help="default: %(default)s")
    parser.add_argument("--runs", type=int, default=3, help="processes by each; default: %(default)s")
    parser.add_argument("--pictures", default="100,400", help="two numbers; default: %(default)s")
    parser.add_argument("--json", type=Path, metavar="FILE", help="where the result goes instead")
    given = parser.parse_args(arguments)
    numbers = given.pictures.split(",")
    if len(numbers) != 2 or not all(number.isdecimal() and int(number) > 0 for number in numbers):
        raise EdgeCnnError(f"--pictures {given.pictures} is not two numbers such as 100,400")
    if given.runs < 1:
        raise EdgeCnnError(f"--runs is {given.runs}; give at least 1")
    given.pictures = sorted(map(int, numbers))
    return given


def compare(given: argparse.Namespace, work: Path) -> dict[str, Any]:
    """Return the whole result."""
    graph = work / "graph.onnx"
    graph.write_bytes(to_bytes(fold(open_network(given.network).graph).model))
    before = machine.load()
    rows: list[dict[str, Any]] = []
    for observer in OBSERVERS:
        for count in given.pictures:
            found = {tool: {"seconds": [], "peak_bytes": []} for tool in TOOLS}
            for _ in range(given.runs if count == given.pictures[0] else 1):
                for tool in TOOLS:  # in turn, so that a busy minute hits both
                    _one(tool, graph, count, observer, found[tool])
            rows.append({"observer": observer, "pictures": count, **found})
    return {
        "date": dt.datetime.now(dt.UTC).date().isoformat(),
        "machine": {**machine.describe(), "load_before": before, "load_after": machine.load()},
        "versions": versions(Path(sys.executable), _PACKAGES),
        "settings": {"network": given.network, "runs": given.runs},
        "rows": rows,
    }


def _one(tool: str, graph: Path, count: int, observer: str, found: dict[str, list[float]]) -> None:
    program = _PROGRAMS / f"{tool}_calibrate.py"
    done = measure([sys.executable, program, graph, str(count), observer])
    if done.exit_code:
        raise EdgeCnnError(f"{tool}, {observer}, {count} pictures: {done.reason()}")
    found["seconds"].append(json.loads(done.output.splitlines()[-1])["seconds"])
    found["peak_bytes"].append(done.peak_bytes)
    tell(f"{tool} {observer} {count}: {found['seconds'][-1]:.2f} s")


def run(arguments: list[str]) -> None:
    """Compare, and publish the result."""
    given = parse(arguments)
    with tempfile.TemporaryDirectory(prefix="edgecnn-calibrate-") as work:
        result = compare(given, Path(work))
    publish(result, CALIBRATION, given.json, section)


if __name__ == "__main__":
    sys.exit(main(run))
