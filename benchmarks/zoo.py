"""Every network of the zoo at full size: exported, compared at every hop, and written down as a table.

    python benchmarks/zoo.py            all networks, at their standard resolution and at another
    python benchmarks/zoo.py lenet vgg16

Prints one row for each as it goes and writes `results/zoo.json`, from which `zoo.md` is made. A network
that fails is a row that says why, and the exit code is 1.
"""

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import edgecnn
from edgecnn import units
from edgecnn.errors import EdgeCnnError
from edgecnn.models import ARCHITECTURES

HERE = Path(__file__).parent
RESULT, TABLE = HERE / "results" / "zoo.json", HERE / "zoo.md"
COLUMNS = (
    "network",
    "res",
    "mult-adds",
    "parameters",
    "nodes",
    "error pytorch → onnx",
    "error onnx → tflite",
    "seconds",
)


def main() -> int:
    """Run the networks named on the command line, or all."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", default=[])
    names = parser.parse_args().names or list(ARCHITECTURES)
    rows = []
    for name in names:
        for res in resolutions(name):
            rows.append(measure(name, res))
            print("  ".join(cells(rows[-1])), flush=True)
    if names == list(ARCHITECTURES):
        RESULT.parent.mkdir(exist_ok=True)
        RESULT.write_text(json.dumps({"kind": "measured", "rows": rows}, indent=1) + "\n")
        TABLE.write_text(markdown(rows))
    return 1 if any("failure" in row for row in rows) else 0


def resolutions(name: str) -> list[str]:
    """Return the standard resolution, and the smallest legal one where it is another."""
    entry = ARCHITECTURES[name]
    return list(dict.fromkeys([str(entry.defaults["res"]), str(entry.least_res)]))


def measure(name: str, res: str) -> dict[str, Any]:
    """Export one network for an ARM board, and say what was seen."""
    row: dict[str, Any] = {"network": name, "res": res}
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        try:
            made = edgecnn.deploy(name, "arm", out=Path(folder, "bundle"), res=res)
        except EdgeCnnError as error:
            return row | {"failure": str(error)}
    errors = {parity.hop: parity.relative_error for parity in made.parity}
    return row | {
        "mult_adds": made.profile.mult_adds,
        "parameters": made.profile.parameters,
        "nodes": len(made.profile.layers),
        "relative_error": errors,
        "seconds": round(time.perf_counter() - start, 2),
    }


def cells(row: dict[str, Any]) -> list[str]:
    """Return a row of the table as text."""
    if "failure" in row:
        return [row["network"], row["res"], row["failure"]]
    errors = row["relative_error"]
    return [
        row["network"],
        row["res"],
        units.count(row["mult_adds"]),
        units.count(row["parameters"]),
        str(row["nodes"]),
        f"{errors['pytorch → onnx']:.0e}",
        f"{errors['onnx → model.tflite']:.0e}",
        f"{row['seconds']:.1f}",
    ]


def markdown(rows: list[dict[str, Any]]) -> str:
    """Return the table as a document."""
    lines = [
        "# The zoo at full size",
        "",
        "Measured by `make zoo`: each network with random weights (seed 0) exported for `arm`; errors are",
        "the largest difference of an output, as a fraction of how far outputs move between inputs; seconds",
        "are of the whole export with all its comparisons, on a shared machine with 2 cores.",
        "",
        "| " + " | ".join(COLUMNS) + " |",
        "|" + "---|" * len(COLUMNS),
    ]
    lines += ["| " + " | ".join(cells(row)) + " |" for row in rows]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
