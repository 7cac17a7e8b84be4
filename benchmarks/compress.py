"""Recipes that train, on the MobileNet of Fashion-MNIST: what a pass costs, and what the next one recovers.

    python benchmarks/compress.py FOLDER [--recipes qat,half] [--on cuda] [--json FILE]

FOLDER holds the four files of Fashion-MNIST as they are published (train-images-idx3-ubyte.gz, ...). The
network is that of `fashion_mnist.py`, trained in `.runs/` if it is not there. Pictures teach without their
labels; accuracy is on the 10,000 test images. Without --json the result is written to results/compress.json,
and README.md anew from it; recipes that were not asked for stay as they were published. What is interrupted
goes on.
"""

import argparse
import datetime as dt
import importlib.metadata
import json
import sys
import time
from pathlib import Path
from typing import Any

import machine
from command import chosen, main, publish, tell
from compress_report import section
from fashion_mnist import NETWORKS
from report import COMPRESSION
from trained_runs import RUNS, trained

from edgecnn.optimize import Epoch
from edgecnn.pipeline.asked import Told
from edgecnn.pipeline.shrink import Compression, Pictures, compress
from edgecnn.pipeline.standing import Standing
from edgecnn.pipeline.training_pictures import TrainingPlace

NETWORK, TARGET = "fashion-mnist-mobilenet", "pi4"
TEST_IMAGES = 10_000
RECIPES = {
    "int8": "int8 | correct_bias",
    "qat": "int8(per_channel=false) | qat(epochs=3)",
    "half": "prune(mult_adds=0.5) | distill(epochs=5) | int8 | correct_bias",
    "quarter": "prune(mult_adds=0.25) | distill(epochs=8) | int8 | correct_bias",
}


def measure(data: str, names: tuple[str, ...], on: str) -> dict[str, Any]:
    """Return every recipe's steps."""
    before = machine.load()
    model, training, _ = NETWORKS[NETWORK]
    run = trained(RUNS / NETWORK, model, data, training)
    return {
        "kind": "measured",
        "date": dt.datetime.now(dt.UTC).date().isoformat(),
        "network": str(run.spec),
        "target": TARGET,
        "on": on,
        "recipes": [recipe(name, RUNS / NETWORK, data, on) for name in names],
        "versions": {tool: importlib.metadata.version(tool) for tool in ("edgecnn", "torch", "onnxruntime")},
        "machine": {**machine.describe(), "load_before": before, "load_after": machine.load()},
    }


def recipe(name: str, run: Path, data: str, on: str) -> dict[str, Any]:
    """Run one recipe and return where the network stood at first and after each pass."""
    pictures = Pictures(data=data, held_out=TEST_IMAGES, training=TrainingPlace(on=on))
    begun: list[Standing] = []
    told = Told(start=begun.append, step=_say, epoch=_say_epoch)
    out = RUNS / f"compress-{name}.onnx"
    start_s = time.perf_counter()
    steps = compress(run, RECIPES[name], out, force=True, pictures=pictures, target=TARGET, told=told)
    return {
        "name": name,
        "recipe": RECIPES[name],
        "wall_s": time.perf_counter() - start_s,
        "steps": [row("", begun[0]), *(row(str(each.step.call), each.standing) for each in steps)],
    }


def row(call: str, standing: Standing) -> dict[str, Any]:
    """Return what is published of one step."""
    return {
        "pass": call,
        "top1": standing.accuracy,
        "agreement": standing.agreement,
        "mult_adds": standing.profile.mult_adds,
        "parameters": standing.profile.parameters,
        "file": standing.file,
        "bytes": standing.bytes,
        "latency_s": standing.latency_s,
        "runtime": standing.runtime,
    }


def _say(each: Compression) -> None:
    tell(f"{each.step.call}: top-1 {each.standing.accuracy:.2%}; {each.step.note}")


def _say_epoch(name: str, epoch: Epoch) -> None:
    tell(f"{name}, epoch {epoch.epoch}/{epoch.epochs}: loss {epoch.loss:.4f}, {epoch.left_s:.0f} s left")


def run(arguments: list[str]) -> None:
    """Run the recipes, write the JSON and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("folder", help="with the files of Fashion-MNIST")
    parser.add_argument("--recipes", default=",".join(RECIPES), help="joined by commas")
    parser.add_argument("--on", default="cpu", help="where to train: cpu, cuda or auto")
    parser.add_argument("--json", type=Path, metavar="FILE", help="where the result goes instead")
    given = parser.parse_args(arguments)
    names = chosen("recipe", given.recipes, tuple(RECIPES))
    publish(_joined(measure(given.folder, names, given.on)), COMPRESSION, given.json, section)


def _joined(result: dict[str, Any]) -> dict[str, Any]:
    """Return the result with the published recipes that were not measured this time."""
    published = json.loads(COMPRESSION.read_text())["recipes"] if COMPRESSION.is_file() else []
    found = {each["name"]: each for each in [*published, *result["recipes"]] if each["name"] in RECIPES}
    return {**result, "recipes": [found[name] for name in RECIPES if name in found]}


if __name__ == "__main__":
    sys.exit(main(run, interrupted="interrupted; the same command goes on"))
