"""Latency of MobileNet at four widths and four resolutions, in float32 and int8, against mult-adds.

    python benchmarks/latency_grid.py [--device local] [--runs 200] [--rounds 5] [--threads 1] [--json FILE]

The 32 bundles, of random weights, take turns. Without --json the result is written to
results/latency_grid.json, a picture beside it, and README.md anew from it.
"""

import argparse
import sys
import tempfile
from pathlib import Path
from typing import Any

import machine
from command import main, publish, tell
from latency_report import grid_section
from mobilenet_latencies import RESOLUTIONS, SOURCE, WIDTHS, published_ms
from report import LATENCY_GRID

import edgecnn
from edgecnn.devices.measurement import Measurement
from edgecnn.report.latency_plot import write_latency_plot

TARGET, CALIBRATION = "arm", "shapes"


def parse(arguments: list[str]) -> argparse.Namespace:
    """Return what the command line asks for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--device", default="local", help="default: %(default)s")
    parser.add_argument("--runs", type=int, default=200, help="inferences of each; default: %(default)s")
    parser.add_argument(
        "--rounds", type=int, default=5, help="processes that share them; default: %(default)s"
    )
    parser.add_argument("--threads", type=int, default=1, help="default: %(default)s")
    parser.add_argument("--json", type=Path, metavar="FILE", help="where the result goes instead")
    return parser.parse_args(arguments)


def export_all(folder: Path) -> dict[Path, dict[str, Any]]:
    """Export every cell of the grid; return what each bundle is."""
    cells: dict[Path, dict[str, Any]] = {}
    for width in WIDTHS:
        for res in RESOLUTIONS:
            for precision in ("fp32", "int8"):
                place = folder / f"mobilenet-{width}-{res}-{precision}"
                int8 = edgecnn.Quantization(int8=True, calibrate=CALIBRATION) if precision == "int8" else None
                edgecnn.deploy("mobilenet", TARGET, width=width, res=res, out=place, quantization=int8)
                cells[place] = {"width": width, "res": res, "precision": precision}
                tell(f"exported {place.name}")
    return cells


def measure(given: argparse.Namespace, folder: Path) -> tuple[dict[str, Any], list[Measurement]]:
    """Return the whole result, and the measurements as they are drawn."""
    cells = export_all(folder)
    before = machine.load()
    found = edgecnn.measure(
        list(cells), given.device, threads=(given.threads,), runs=given.runs, rounds=given.rounds,
        on_turn=lambda done, total, text: tell(f"[{done + 1}/{total}] {text}"),
    )  # fmt: skip
    rows = []
    for cell, each in zip(cells.values(), found, strict=True):
        published = published_ms(cell["precision"], cell["width"], cell["res"]) / 1e3
        rows.append({**cell, "published_s": published, **each.to_json()})
    load = {"load_before": before, "load_after": machine.load()}
    result = {
        "machine": {**machine.describe(), **load},
        "published": SOURCE,
        "device": given.device,
        "rows": rows,
    }
    return {"kind": "measured", "date": found[0].date, **result}, found


def run(arguments: list[str]) -> None:
    """Measure the grid and publish it."""
    given = parse(arguments)
    with tempfile.TemporaryDirectory(prefix="edgecnn-grid-") as folder:
        result, found = measure(given, Path(folder))
    write_latency_plot(found, (given.json or LATENCY_GRID).with_suffix(".svg"))
    publish(result, LATENCY_GRID, given.json, grid_section)


if __name__ == "__main__":
    sys.exit(main(run))
