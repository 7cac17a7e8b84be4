"""A U-Net on drawn shapes: trained or found trained, exported for a Pi, measured as it is and as it ships.

    python benchmarks/unet_shapes.py [--json FILE]

The trained network and its bundle are kept in `.runs/`; what is interrupted goes on. Without --json the
result is written to results/unet_shapes.json, and README.md anew from it.
"""

import argparse
import datetime as dt
import sys
from pathlib import Path
from typing import Any

import machine
from command import main, publish
from report import UNET_SHAPES
from trained_runs import RUNS, trained
from unet_shapes_report import section

import edgecnn
from edgecnn.training_recipe import Recipe

NAME, TARGET = "shapes-unet", "pi4"
MODEL = "unet(width=0.25, res=48, in_channels=3, padding=same, bn=true)"
RECIPE = Recipe(epochs=24, batch=8, lr=0.05, dice=1.0, dropout=0.0, flip=0.5, warmup_epochs=1.0)
EXPECTED = 0.95


def measure() -> dict[str, Any]:
    """Return the run and what it reaches in PyTorch, in ONNX Runtime and in LiteRT."""
    before = machine.load()
    run = trained(RUNS / NAME, MODEL, "shapes", RECIPE)
    bundle = RUNS / f"{NAME}.{TARGET}"
    edgecnn.deploy(RUNS / NAME, TARGET, out=bundle, force=True)
    forms = {"PyTorch": RUNS / NAME, "ONNX": bundle / "model.onnx", "TFLite": bundle / "model.tflite"}
    return {
        "kind": "measured",
        "date": dt.datetime.now(dt.UTC).date().isoformat(),
        "machine": {**machine.describe(), "load_before": before, "load_after": machine.load()},
        "spec": str(run.spec),
        "recipe": run.recipe.to_json(),
        "expected_dice": EXPECTED,
        "metrics": {name: edgecnn.score(path, "shapes").to_json() for name, path in forms.items()},
        "history": [dict(epoch) for epoch in run.history],
    }


def run(arguments: list[str]) -> None:
    """Train or find the network, write the JSON and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--json", type=Path, metavar="FILE", help="where the result goes instead")
    given = parser.parse_args(arguments)
    result = measure()
    publish(result, UNET_SHAPES, given.json, section)


if __name__ == "__main__":
    sys.exit(main(run, interrupted="interrupted; the same command goes on"))
