"""LeNet, NiN, ResNet-20 and MobileNets on Fashion-MNIST, in float and int8: a sweep, and its picture.

    python benchmarks/sweep.py FOLDER [--jobs N]

FOLDER holds the four files of Fashion-MNIST as they are published (train-images-idx3-ubyte.gz, ...). The
sweep is kept in `.runs/fashion-mnist.sweep`; what is interrupted goes on with the same command. At its end
all bundles are timed in turns, anew each time. The points are written to results/sweep.json and sweep.csv,
the picture to sweep.svg, and README.md anew.
"""

import argparse
import datetime as dt
import shlex
import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import machine
from command import main, publish, tell
from report import SWEPT
from sweep_report import section
from trained_runs import RUNS

import edgecnn
from edgecnn.atomic import write_file
from edgecnn.devices.results import append_results
from edgecnn.errors import EdgeCnnError
from edgecnn.report.points_report import to_report
from edgecnn.spec import ModelSpec
from edgecnn.sweeps.cells import grid

SWEEP, TIMES = RUNS / "fashion-mnist.sweep", RUNS / "fashion-mnist.jsonl"
RECIPE = "int8 | correct_bias"
_SMALL = {"batch": 64, "lr": 0.05, "warmup_epochs": 0.5, "shift": 1, "flip": 0.5}
WIDTHS, RESOLUTIONS = (0.25, 0.5, 0.75, 1.0), ("24", "28", "32")
# the networks, and what is changed in the recipe that all start from
PARTS: tuple[tuple[tuple[ModelSpec, ...], dict[str, Any]], ...] = (
    (grid(["lenet"], [0.5, 1.0], ["28"]), {**_SMALL, "epochs": 8}),
    (grid(["mobilenet(in_channels=1)"], WIDTHS, RESOLUTIONS), {**_SMALL, "epochs": 4}),
    (grid(["nin(form=cifar10, in_channels=1)"], [0.25], ["32"]), {**_SMALL, "lr": 0.02, "epochs": 2}),
    (grid(["resnet20(in_channels=1)"], [], ["28"]), {**_SMALL, "epochs": 2}),
)


def train(folder: str, processes: int) -> None:
    """Do what is open of the sweep."""
    failed = []
    for models, changed in PARTS:
        request = edgecnn.Request(
            models=models, data=folder, recipes=(RECIPE,), devices=(), given=changed, on="cpu"
        )
        done = edgecnn.sweep(request, SWEEP, processes=processes, on_course=lambda course: tell(str(course)))
        failed += [f"{row.title}: {row.error}" for row in done.failed]
    if failed:
        raise EdgeCnnError("; ".join(failed))


def time_all() -> dict[str, Any]:
    """Time every bundle in turns; return when and where, and how busy this machine was."""
    before = machine.load()
    bundles = sorted((SWEEP / "bundles").iterdir())
    found = edgecnn.measure(
        bundles, runs=120, rounds=3, on_turn=lambda done, of, _which: tell(f"timing {done} of {of}")
    )
    TIMES.unlink(missing_ok=True)
    append_results(TIMES, found)
    return {
        "date": dt.datetime.now(dt.UTC).date().isoformat(),
        "machine": {**machine.describe(), "load_before": before, "load_after": machine.load()},
        "runtime": found[0].environment.fixed["runtime"],
        "runs": len(found[0].times_s),
    }


def public(points: Sequence[edgecnn.Point], folder: str) -> list[edgecnn.Point]:
    """Return points that do not tell where the data set's files are."""
    return [
        replace(
            point,
            data="Fashion-MNIST",
            commands=tuple(each.replace(shlex.quote(folder), "FOLDER") for each in point.commands),
            notes=(),
            source="",
        )
        for point in points
    ]


def run(arguments: list[str]) -> None:
    """Do what is open of the sweep, time its bundles, and write the results."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("folder", help="with the files of Fashion-MNIST")
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    given = parser.parse_args(arguments)
    train(given.folder, given.jobs)
    timed = time_all()
    points = public(edgecnn.read_points([SWEEP, TIMES]), given.folder)
    for form in ("csv", "svg"):
        write_file(SWEPT.with_suffix(f".{form}"), to_report(points, form), force=True)
    result = {"kind": "measured", **timed, "points": [point.to_json() for point in points]}
    publish(result, SWEPT, None, section)


if __name__ == "__main__":
    sys.exit(main(run, interrupted="interrupted; the same command goes on"))
