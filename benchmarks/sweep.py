"""LeNet, NiN, ResNet-20 and MobileNets on Fashion-MNIST, in float and int8: a sweep, and its picture.

    python benchmarks/sweep.py FOLDER [--jobs N]

FOLDER holds the four files of Fashion-MNIST as they are published (train-images-idx3-ubyte.gz, ...). The
sweep is kept in `.runs/fashion-mnist.sweep`; what is interrupted goes on with the same command. At its end
the points are written to results/sweep.csv and the picture to results/sweep.svg.
"""

import argparse
import sys
from typing import Any

from command import main, tell
from trained_runs import RUNS

import edgecnn
from edgecnn.errors import EdgeCnnError
from edgecnn.spec import ModelSpec
from edgecnn.sweeps.cells import grid

SWEEP = RUNS / "fashion-mnist.sweep"
RECIPE = "int8 | correct_bias"
_SMALL = {"batch": 64, "lr": 0.05, "warmup_epochs": 0.5, "shift": 1, "flip": 0.5}
WIDTHS, RESOLUTIONS = (0.25, 0.5, 0.75, 1.0), ("24", "28", "32")
# the networks, and what is changed in the recipe that all start from
PARTS: tuple[tuple[tuple[ModelSpec, ...], dict[str, Any]], ...] = (
    (grid(["lenet"], [0.5, 1.0], ["28"]), {**_SMALL, "epochs": 8}),
    (grid(["mobilenet(in_channels=1)"], WIDTHS, RESOLUTIONS), {**_SMALL, "epochs": 4}),
    (grid(["nin(form=cifar10, in_channels=1)"], [0.25], ["32"]), {**_SMALL, "lr": 0.02, "epochs": 4}),
    (grid(["resnet20(in_channels=1)"], [], ["28"]), {**_SMALL, "epochs": 4}),
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


def run(arguments: list[str]) -> None:
    """Do what is open of the sweep, and write its results."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("folder", help="with the files of Fashion-MNIST")
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    given = parser.parse_args(arguments)
    train(given.folder, given.jobs)


if __name__ == "__main__":
    sys.exit(main(run, interrupted="interrupted; the same command goes on"))
