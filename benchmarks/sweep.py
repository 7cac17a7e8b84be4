"""LeNet, NiN, ResNet-20 and MobileNets on Fashion-MNIST, in float and int8: a sweep, and its picture.

    python benchmarks/sweep.py FOLDER [--jobs N]

FOLDER holds the four files of Fashion-MNIST as they are published (train-images-idx3-ubyte.gz, ...). The
sweep is kept in `.runs/fashion-mnist.sweep`; what is interrupted goes on with the same command. At its end
the points are written to results/sweep.csv and the picture to results/sweep.svg.
"""

import argparse
import sys
from dataclasses import replace
from pathlib import Path

from command import main, tell
from report import FOLDER
from trained_runs import RUNS

import edgecnn
from edgecnn.atomic import write_file
from edgecnn.errors import EdgeCnnError
from edgecnn.report.points_report import to_report
from edgecnn.sweeps.cells import grid

SWEEP = RUNS / "fashion-mnist.sweep"
_SMALL = {"batch": 64, "lr": 0.05, "shift": 1, "flip": 0.5}
# the networks, the published recipe they start from, and what is changed in it
PARTS = (
    (grid(["lenet"], [0.5, 1.0], ["28"]), "lenet", {}),
    (grid(["nin(form=cifar10, in_channels=1)"], [0.25], ["32"]), "default", {**_SMALL, "epochs": 16}),
    (grid(["resnet20(in_channels=1)"], [], ["28"]), "default", {**_SMALL, "epochs": 16}),
    (
        grid(["mobilenet(in_channels=1)"], [0.25, 0.5, 0.75, 1.0], ["24", "28", "32"]),
        "default",
        {**_SMALL, "epochs": 16},
    ),
)


def run(arguments: list[str]) -> None:
    """Do what is open of the sweep, and write its results."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("folder", help="with the files of Fashion-MNIST")
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    given = parser.parse_args(arguments)
    failed = []
    for models, training, changed in PARTS:
        request = edgecnn.Request(
            models=models,
            data=given.folder,
            recipes=("int8 | correct_bias",),
            training=training,
            given=changed,
            on="cpu",
        )
        done = edgecnn.sweep(request, SWEEP, processes=given.jobs, on_course=lambda course: tell(str(course)))
        failed += [f"{row.title}: {row.error}" for row in done.failed]
    if failed:
        raise EdgeCnnError("; ".join(failed))
    # where its files are is nobody's business
    points = [replace(point, data="Fashion-MNIST", commands=(), source="") for point in done.points]
    for form, name in (("csv", "sweep.csv"), ("svg", "sweep.svg")):
        write_file(Path(FOLDER) / "results" / name, to_report(points, form), force=True)


if __name__ == "__main__":
    sys.exit(main(run, interrupted="interrupted; the same command goes on"))
