"""LeNet and MobileNet on Fashion-MNIST: trained, or found trained, and what they reach.

    python benchmarks/fashion_mnist.py FOLDER [--json FILE]

FOLDER holds the four files of Fashion-MNIST as they are published (train-images-idx3-ubyte.gz, ...). The
trained networks are kept in `.runs/`, where other benchmarks find them; what is interrupted goes on.
Without --json the result is written to results/fashion_mnist.json, and README.md anew from it.
"""

import argparse
import datetime as dt
import sys
from pathlib import Path
from typing import Any

import machine
from command import main, publish
from fashion_mnist_report import section
from report import FASHION_MNIST
from trained_runs import RUNS, trained

from edgecnn.published_recipes import published
from edgecnn.run_folder import RunFolder
from edgecnn.training_recipe import Recipe

# name of the run: the network, how it is trained, and the accuracy that is expected of it
NETWORKS: dict[str, tuple[str, Recipe, float]] = {
    "fashion-mnist-lenet": ("lenet", published("lenet"), 0.89),
    "fashion-mnist-mobilenet": (
        "mobilenet(width=0.5, res=32, in_channels=1)",
        published("default").override(epochs=16, batch=64, lr=0.05, shift=1, flip=0.5),
        0.91,
    ),
}


def measure(data: str) -> dict[str, Any]:
    """Return the runs, their curves and what they reach."""
    before = machine.load()
    runs = {name: trained(RUNS / name, model, data, recipe) for name, (model, recipe, _) in NETWORKS.items()}
    return {
        "kind": "measured",
        "date": dt.datetime.now(dt.UTC).date().isoformat(),
        "machine": {**machine.describe(), "load_before": before, "load_after": machine.load()},
        "networks": [row(name, run) for name, run in runs.items()],
    }


def row(name: str, run: RunFolder) -> dict[str, Any]:
    """Return what is published of one run; the place of its data is nobody's business."""
    return {
        "name": name,
        "spec": str(run.spec),
        "recipe": run.recipe.to_json(),
        "seed": run.seed,
        "device": run.device,
        "versions": dict(run.versions),
        "metrics": dict(run.metrics),
        "expected_top1": NETWORKS[name][2],
        "history": [dict(epoch) for epoch in run.history],
    }


def run(arguments: list[str]) -> None:
    """Train or find both networks, write the JSON and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("folder", help="with the files of Fashion-MNIST")
    parser.add_argument("--json", type=Path, metavar="FILE", help="where the result goes instead")
    given = parser.parse_args(arguments)
    result = measure(given.folder)
    publish(result, FASHION_MNIST, given.json, section)


if __name__ == "__main__":
    sys.exit(main(run, interrupted="interrupted; the same command goes on"))
